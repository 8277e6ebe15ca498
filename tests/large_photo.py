"""One large picture through the page in a process of its own: prints its peak memory and seconds as JSON.

``python -m tests.large_photo MEGAPIXELS STEPS``
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from gradio_client import Client, handle_file
from PIL import Image

import app
from tests.conftest import EXAMPLES

_KILOBYTES = 1 if sys.platform == "darwin" else 1024
"""Bytes in a unit of ``ru_maxrss``."""


def main(megapixels: float, steps: int) -> None:
    width, height = round((megapixels * 1.5e6) ** 0.5), round((megapixels * 1e6 / 1.5) ** 0.5)
    page = app.build_app()
    url = app.launch(page, server_name="127.0.0.1", server_port=app.free_port(), prevent_thread_lock=True, quiet=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "large.jpg")
        with Image.open(EXAMPLES / "cat.png") as image:
            image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC).save(path, quality=90)
        started = time.monotonic()
        settings = {"rate": "quality", "quality": 0.3, "steps": steps}
        _, _, numbers, *_ = Client(url, verbose=False).predict(handle_file(path), **settings, api_name="/compress")
    page.close(verbose=False)
    figures = {
        "width": numbers["width"],
        "height": numbers["height"],
        "methods": list(numbers["methods"]),
        "seconds": time.monotonic() - started,
        "peak_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTES / 1e9,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
