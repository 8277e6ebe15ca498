"""What the page shows of a run. The fields of an answer are named after the components that they go to."""

from typing import Any, NamedTuple
from urllib.parse import urlencode

from pipeline.ui.answers import KEEP, Pair
from pipeline.ui.engine import Engine
from pipeline.ui.figures import figures_html
from pipeline.ui.invention import invention_html
from pipeline.ui.report import Method, Report, captions_html, legend_html
from pipeline.ui.run import Run
from pipeline.ui.sides import METHODS, NEED_ORIGINAL, PLAIN, Side, Sides


class View(NamedTuple):
    """The outputs of a run.

    Every answer states all of them, because a generator that goes back from a value to `KEEP` loses the value. What a
    previous run left there stays together until there is a new picture: pictures, numbers, files, the run itself.
    """

    status: str
    seed_used: int
    pictures: Any = KEEP
    captions: Any = KEEP
    report: Any = KEEP
    numbers: Any = KEEP
    stream_file: Any = KEEP
    picture_file: Any = KEEP
    film: Any = KEEP
    invention: Any = KEEP
    samples: Any = KEEP
    run: Any = KEEP

    def showing(self, run: Run, sides: Sides) -> "View":
        """The same with the pictures that are there by now."""
        film = figures_html(run.decoding.film, "film")
        invention = invention_html(run) if run.finished else ""
        return self._replace(**pair(run, sides)._asdict(), film=film, invention=invention, samples="", run=run)


def pair(run: Run, sides: Sides) -> Pair:
    """The chosen pictures; the autoencoder's stands in for one that is not there."""
    left, left_caption = _shown(run, sides.left, sides.right)
    right, right_caption = _shown(run, sides.right, sides.left)
    query = f"{run.query}&{urlencode({'left': sides.left, 'right': sides.right})}" if run.query else ""
    size = run.header.width, run.header.height
    wanted = missing(run, sides) if run.decoding.ended else []
    press = f"complete {run.token} {', '.join(wanted)}" if wanted else ""
    legend = ""
    if sides.overlay and run.decoding.ended:
        legend = legend_html(run.header, run.qualities)
        if run.qualities is not None:
            left, right = (run.pictures.overlaid(file, run.qualities, *size) for file in (left, right))
    notes = _worst(run, sides), size, query, press, legend
    return Pair((left, right), captions_html(left_caption, right_caption, *notes))


def missing(run: Run, sides: Sides) -> list[Side]:
    """The chosen sides that are still to be made and can be; an error map is made of what it stands beside."""
    chosen = {_behind(sides.left, sides.right), _behind(sides.right, sides.left)}
    wanted = [side for side in Side if side in chosen and side not in run.pictures and side not in run.declined]
    return [side for side in wanted if run.can_have(side)]


def plain(run: Run, sides: Sides) -> list[Side]:
    """Those of `missing` that conventional codecs make, which need no painting."""
    return [side for side in missing(run, sides) if side in PLAIN]


def report(run: Run, engine: Engine, scored: bool = False, psnr: float | None = None) -> Report:
    """The numbers so far.

    Args:
        scored: name the network of LPIPS.
        psnr: of a step, in dB.
    """
    scores = run.pictures.scores
    return Report(
        run.header,
        run.settings.seed,
        engine.description,
        run.encode_seconds,
        run.decoding.seconds,
        scores[Side.REPAINT].psnr if Side.REPAINT in scores else psnr,
        tuple(
            Method(side.lower(), run.pictures.captions[side], scores[side], run.size(side))
            for side in METHODS
            if side in scores
        ),
        engine.lpips_network if scored and scores else None,
        run.notes,
    )


def _behind(side: Side, opposite: Side) -> Side:
    """The picture that a side needs: for an error map, the one it is the error of."""
    if side is not Side.ERROR:
        return side
    return Side.REPAINT if opposite in (Side.ORIGINAL, Side.ERROR) else opposite


def _shown(run: Run, side: Side, opposite: Side) -> tuple[str, str]:
    """File and caption of a side."""
    pictures, behind = run.pictures, _behind(side, opposite)
    if side is Side.ERROR and run.can_have(side) and behind in pictures and behind not in pictures.previews:
        return pictures.error_map(behind)
    if side in pictures.previews or side in pictures:
        size = f", {run.size(side):,} bytes" if side in METHODS else ""
        return pictures.shown(side), f"{pictures.captions[side]}{size}"
    return pictures.shown(Side.AUTOENCODER), f"{run.reconstruction_name} ({_why_not(run, side, behind)})"


def _why_not(run: Run, side: Side, behind: Side) -> str:
    """Why a side is not there, which needs the picture of ``behind``."""
    if behind in run.pictures.refusals:
        return run.pictures.refusals[behind].rstrip(".")
    if behind in run.declined:
        return f"no {side} was made; choose another side, then this one again"
    if run.can_have(side) and run.can_have(behind):
        return f"{side} follows"
    if behind is Side.OTHER and run.is_ultralow:
        return "the ultra-low codec has one decoder"
    if behind is Side.ULTRALOW and run.is_ultralow:
        return "this is the ultra-low codec; see Repaint"
    if not run.has_original and side in NEED_ORIGINAL:
        return "a stream comes without its original"
    return f"no {side} of an unfinished repaint"


def _worst(run: Run, sides: Sides) -> tuple[float, ...] | None:
    """Where the right picture is worst, or the left one where the right has no error, or else the repaint: left, top,
    width and height as fractions."""
    if not run.has_original or not run.finished:
        return None
    there = [side for side in (sides.right, sides.left) if side in METHODS and side in run.pictures]
    return run.pictures.worst(there[0] if there else Side.REPAINT).shares(run.header.width, run.header.height)
