"""The Bitbrush page: ``python app.py`` serves it, ``python app.py --smoke`` answers one real request and exits."""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_SSR_MODE", "false")

if os.environ.get("SPACES_ZERO_GPU"):
    import spaces  # noqa: F401  (before torch)

from pipeline.ui.temporary import own_folder, remember_files

os.environ["GRADIO_TEMP_DIR"] = own_folder()

import gradio as gr

from pipeline.ui.actions import Actions
from pipeline.ui.choices import EXAMPLES, EXAMPLES_FOLDER, Link
from pipeline.ui.engine import Engine
from pipeline.ui.events import connect
from pipeline.ui.files import KEPT_SECONDS
from pipeline.ui.layout import page_parts
from pipeline.ui.opening import warm_up
from pipeline.ui.theme import CSS, HEAD, bitbrush_theme
from pipeline.ui.work import shipped_codec

if TYPE_CHECKING:
    from pipeline.codec import Codec

QUEUE_SIZE = 16
"""Runs that may wait for each place."""
SESSIONS_KEPT = 256
"""Visitors whose last run the page remembers; each costs 0.2 megabytes and more, and Gradio alone would keep 10,000."""
GRADIO_THREADS = 40
"""Gradio's own number, for everything beside the runs."""


def build_app(codec_factory: Callable[[], "Codec"] = shipped_codec) -> gr.Blocks:
    """The page over one codec, which ``codec_factory`` makes when it is first needed."""
    return page_over(Actions(Engine(codec_factory)))


def page_over(actions: Actions) -> gr.Blocks:
    """The page whose buttons do ``actions``."""
    page = gr.Blocks(title="Bitbrush", delete_cache=(KEPT_SECONDS // 4, KEPT_SECONDS))
    with page:
        connect(page, page_parts(), actions)
    remember_files(page)
    page.queue(max_size=QUEUE_SIZE * actions.engine.places)
    return page


def launch(page: gr.Blocks, **options: Any) -> str:
    """Serves the page with its theme and limits; returns its address. ``options`` go to `gr.Blocks.launch`."""
    _, url, _ = page.launch(
        theme=bitbrush_theme(),
        css=CSS,
        head=HEAD,
        max_file_size="64mb",
        footer_links=["api"],
        run_history=False,  # it would keep names and results in browsers that others use, too
        ssr_mode=False,
        state_session_capacity=SESSIONS_KEPT,
        allowed_paths=[str(EXAMPLES_FOLDER)],  # wherever the page is started from
        **options,
    )
    return url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def smoke() -> None:
    """Start the page on a free port, compress and repaint one example through its API, print what came back."""
    from gradio_client import Client, handle_file

    page = build_app()
    url = launch(page, server_name="127.0.0.1", server_port=free_port(), prevent_thread_lock=True, quiet=True)
    try:
        client = Client(url, verbose=False)
        _, _, numbers, *_ = client.predict(handle_file(str(EXAMPLES[Link.example])), steps=2, api_name="/compress")
    finally:
        page.close(verbose=False)
    print("Smoke run: {width} × {height} pixels in {bytes:,} bytes, repainted in 2 steps.".format(**numbers))


def serve(engine: Engine) -> None:
    """Serves the page over an engine until the process is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # in order, so that temporary files go
    actions = Actions(engine)
    page = page_over(actions)
    launch(page, prevent_thread_lock=True, max_threads=GRADIO_THREADS + engine.places)
    warm_up(actions)
    page.block_thread()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="answer one real request on a free port, then exit")
    if parser.parse_args().smoke:
        smoke()
        return
    serve(Engine())


if __name__ == "__main__":
    main()
