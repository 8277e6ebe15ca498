"""One worker of `pipeline.evaluation.fuzz_pictures`: reads damaged files and prints a line of JSON for each."""

import json
import resource
import sys
import time
import traceback

import numpy as np

from pipeline.errors import ImageError
from pipeline.evaluation.fuzz_corpus import bombs, mutate, seeds
from pipeline.evaluation.fuzz_pictures import GIGABYTES
from pipeline.pictures import read_picture

_BOMBS_EVERY = 50


def main(start: int, stop: int, seed: int) -> None:
    """Reads the files of ``start`` to ``stop``; a file follows from ``seed`` and its index alone."""
    sound, heavy = seeds(), bombs()
    for _, content in sound:
        read_picture(content)
    _bound_memory()
    for index in range(start, stop):
        rng = np.random.default_rng([seed, index])
        if index % _BOMBS_EVERY == 0:
            name, content = heavy[index // _BOMBS_EVERY % len(heavy)]
            if index // _BOMBS_EVERY >= len(heavy):
                content = mutate(content, sound[0][1], rng)
        else:
            name, content = sound[rng.integers(len(sound))]
            content = mutate(content, sound[rng.integers(len(sound))][1], rng)
        print(json.dumps({"index": index, "format": name, **_read(content)}), flush=True)


def _read(content: bytes) -> dict:
    started = time.process_time()
    detail = ""
    try:
        read_picture(content)
        outcome = "picture"
    except ImageError as error:
        outcome = "memory" if "more memory" in str(error) else "error"
    except BaseException:
        outcome, detail = "traceback", traceback.format_exc()[-400:]
    return {"outcome": outcome, "seconds": round(time.process_time() - started, 3), "detail": detail}


def _bound_memory() -> None:
    """Lets the process have so much more address space than it has now, where the system can say how much that is."""
    try:
        with open("/proc/self/statm") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (now + int(GIGABYTES * 2**30),) * 2)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
