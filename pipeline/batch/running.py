"""Runs a batch: what is not done yet, in worker processes or on a cluster, then the table."""

import json
import math
import os
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from pipeline import processes
from pipeline.batch import cluster
from pipeline.batch.finding import Found, find
from pipeline.batch.journal import JOURNAL, Entry, Journal, digest, open_journal, states
from pipeline.batch.orders import Order
from pipeline.batch.table import Line, write_table
from pipeline.errors import BitbrushError, SettingsError
from pipeline.files import atomic_path, check_output, identity, remove_partials
from pipeline.stream import bits_per_pixel

if TYPE_CHECKING:
    from pipeline.codec import Codec

TABLE = "results.csv"


@dataclass(frozen=True)
class Batch:
    """Where a batch reads and writes, and how it runs."""

    folder: Path
    out: Path
    workers: int = 1
    """Processes at once; they share the processor's cores."""
    resume: bool = False
    """Skip what is done; replace what is not."""
    force: bool = False
    """Replace outputs that exist."""
    table: Path | None = None
    """The CSV; `TABLE` in ``out`` unless given."""
    ray: bool = False
    """On a Ray cluster instead of in processes of this machine."""


@dataclass(frozen=True)
class Summary:
    """How many files there were."""

    made: int
    skipped: int
    bad: int
    """Inputs that could not be used, and sub-folders that could not be listed."""
    table: Path


@dataclass(frozen=True)
class Worker:
    """The work of one process."""

    order: Order
    codec: "Codec"
    folder: Path
    out: Path

    @classmethod
    def make(cls, order: Order, folder: Path, out: Path, threads: int) -> "Worker":
        """With models of its own, on so many threads."""
        import torch

        torch.set_num_threads(threads)
        return cls(order, order.codec(), folder, out)

    def patience(self, name: str) -> float:
        """Without limit: large pictures take minutes."""
        return math.inf

    def __call__(self, name: str) -> Entry | Line:
        """Makes the output of one input, whole or not at all; the `Line` of a bad one says what is wrong with it."""
        try:
            read = states(filter(Path.exists, self.order.sources(self.folder, name)))  # `make` says which is missing
            made = self.order.make(self.codec, self.folder, name)
            target = self.out / self.order.output(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(target) as partial:
                partial.write_bytes(made.content)
        except BitbrushError as error:
            return Line(name, error=str(error))
        except OSError as error:
            return Line(name, error=f"{error.filename or 'The file'} cannot be used ({error.strerror or error}).")
        except Exception as error:
            # Whatever a picture does to the libraries that read it, the others go on.
            return Line(name, error=f"{type(error).__name__}: {error}")
        line = Line(name, len(made.stream), bits_per_pixel(made.stream), note=" ".join(made.notes))
        if made.scores is not None:
            line = replace(line, **asdict(made.scores))
        return Entry(read, digest(made.content), line)


def run(order: Order, batch: Batch, report: Callable[[str], None]) -> Summary:
    """Makes every output that is missing, and the table of all.

    Interrupted, it leaves whole files, a journal that ``resume`` goes on from, and the table of what is done.

    Args:
        report: is given a sentence for each file that is bad or incomplete, when it is found.

    Raises:
        SettingsError: the folders do not fit, there is nothing to do, outputs exist or are what is read, or a setting
            is out of range.
        BitbrushError: the workers do not start, or the table cannot be written.
    """
    found = _inputs(order, batch)
    table = batch.table or batch.out / TABLE
    _refuse_mixing(order, batch, found.names, table)
    _make_folder(batch.out)
    if not (batch.resume or batch.force):
        _refuse_existing([batch.out / order.output(name) for name in found.names], batch.out)
    check_output(table, batch.resume or batch.force)
    lines = {name: Line(name, error=f"The folder cannot be read ({why}).") for name, why in found.unreadable.items()}
    for line in lines.values():
        report(f"{line.name}: {line.error}")
    folders = {(batch.out / order.output(name)).parent for name in found.names}
    network = _lpips_network(order)
    with open_journal(batch.out, _settings(order, network), keep=batch.resume) as journal:
        remove_partials(folders)
        done = _done(order, batch, found, journal)
        missing = [name for name in found.names if name not in done]
        lines |= done
        tabled = True
        try:
            with (
                closing(_results(order, batch, missing, network)) as results,
                tqdm(initial=len(done), total=len(found.names), unit="file", disable=None) as progress,
            ):
                for result in results:
                    line = result.line if isinstance(result, Entry) else result
                    lines[line.name] = line
                    if isinstance(result, Entry):
                        journal.add(result)
                    if said := line.error or line.note:
                        report(f"{line.name}: {said}")
                    progress.update()
        except BitbrushError:
            tabled = bool(lines)  # what never began leaves nothing
            raise
        finally:
            remove_partials(folders)
            if tabled:
                write_table((lines[name] for name in (*found.unreadable, *found.names) if name in lines), table)
    bad = sum(bool(line.error) for line in lines.values())
    return Summary(len(lines) - len(done) - bad, len(done), bad, table)


def _inputs(order: Order, batch: Batch) -> Found:
    if batch.out.exists() and batch.out.samefile(batch.folder):
        raise SettingsError(f"{batch.out} is the folder that is read; choose another one for the results.")
    found = find(batch.folder, order.wanted, leave_out=batch.out)
    if not found.names and not found.unreadable:
        raise SettingsError(f"There is nothing to do in {batch.folder}; choose a folder with files of the right kind.")
    return found


def _refuse_mixing(order: Order, batch: Batch, names: list[str], table: Path) -> None:
    sources = {identity(path) for name in names for path in order.sources(batch.folder, name)}
    results = {JOURNAL, *(order.output(name) for name in names)}
    outputs = {identity(batch.out / name): batch.out / name for name in results}
    if identity(table) in outputs:
        raise SettingsError(f"{table} is one of the results; choose another name for the table.")
    outputs[identity(table)] = table
    for key in sources & outputs.keys():
        raise SettingsError(f"{outputs[key]} is what is read; choose another name, so that the original stays.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be made a folder ({error.strerror}); choose another name.") from None


def _refuse_existing(outputs: list[Path], out: Path) -> None:
    existing = [path for path in outputs if os.path.exists(path)]  # False for names that are too long
    if existing:
        raise SettingsError(
            f"{out} has {len(existing)} of the {len(outputs)} results already, such as {existing[0].relative_to(out)}; "
            "add --resume to go on, or --force to make all of them anew."
        )


def _lpips_network(order: Order) -> str | None:
    """The key of the network that all processes measure LPIPS by; None where none is measured or can be had."""
    from pipeline.metrics.perceptual.networks import network_in_use

    return network_in_use() if order.measures else None


def _settings(order: Order, lpips: str | None) -> str:
    """Everything but the input that an output and its scores depend on: the order, every network with its config, the
    precision, the network of LPIPS."""
    from pipeline.codec import CHECKPOINTS

    codec = order.codec()
    files = [*CHECKPOINTS.glob("[!.]*/*.safetensors"), *CHECKPOINTS.glob("[!.]*/config.json")]
    weights = {str(path.relative_to(CHECKPOINTS)): digest(path.read_bytes()) for path in files}
    stated = {"order": type(order).__name__, "weights": weights, "lpips": lpips} | vars(order)
    stated |= {"precision": codec.precision}
    return digest(json.dumps(stated, sort_keys=True).encode())[:16]


def _done(order: Order, batch: Batch, found: Found, journal: Journal) -> dict[str, Line]:
    lines = {}
    for name in tqdm(found.names, desc="what is done", unit="file", disable=None, leave=False):
        line = journal.done(name, order.sources(batch.folder, name), batch.out / order.output(name))
        if line is not None:
            lines[name] = line
    return lines


def _results(order: Order, batch: Batch, names: list[str], lpips: str | None) -> Generator[Entry | Line]:
    import torch

    workers = min(batch.workers, len(names))
    if not workers:
        return
    threads = 1 if batch.ray else max(1, torch.get_num_threads() // workers)
    make = partial(Worker.make, order, batch.folder.absolute(), batch.out.absolute(), threads)
    run_tasks = cluster.run if batch.ray else processes.run
    environment = {"OMP_NUM_THREADS": str(threads)} | ({} if lpips is None else {"BITBRUSH_LPIPS": lpips})
    for result in run_tasks(make, names, workers, environment):
        if isinstance(result, processes.Lost):
            yield Line(result.task, error=f"Its worker process ended ({result.reason}); it may need more memory.")
        else:
            yield result.answer
