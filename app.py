"""The Bitbrush page: ``python app.py`` serves it, ``python app.py --smoke`` answers one real request and exits."""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_SSR_MODE", "false")

if os.environ.get("SPACES_ZERO_GPU"):
    import spaces  # noqa: F401  (before torch, which `pipeline` imports)

from pipeline.ui.temporary import own_folder

os.environ["GRADIO_TEMP_DIR"] = own_folder()

import gradio as gr

from pipeline.ui import actions, checks, extras, layout, plots, updates
from pipeline.ui.choices import EXAMPLES, Link
from pipeline.ui.components import Prose
from pipeline.ui.engine import Engine, shipped_codec
from pipeline.ui.files import KEPT_SECONDS
from pipeline.ui.sides import Sides
from pipeline.ui.theme import CSS, HEAD, bitbrush_theme
from pipeline.ui.turns import Turns, leave_queue

if TYPE_CHECKING:
    from pipeline.codec import Codec

TO_RESULT = """(source) => {
    const result = document.querySelector("#result");
    result.tabIndex = -1;
    result.focus({preventScroll: true});
    if (innerWidth < 800) result.scrollIntoView({behavior: "smooth"});
    return source;
}"""
RUN_AGAIN = """() => {
    const press = () => {
        const button = document.querySelector("#run, #decode");
        if (button.disabled) setTimeout(press, 100);
        else button.click();
    };
    press();
}"""
STOPPING = """() => ["<p>Stopping …</p>", {"__type__": "update", "interactive": false}]"""
QUEUE_SIZE = 16
SCREEN = "(kind, dark, narrow, run) => [kind, document.body.classList.contains('dark'), innerWidth < 800, run]"


def build_app(codec_factory: Callable[[], "Codec"] = shipped_codec, warm_up: bool = False) -> gr.Blocks:
    """The page over one codec.

    Args:
        codec_factory: makes the codec, when it is first needed.
        warm_up: load all models and paint the first example in the background at once.
    """
    engine = Engine(codec_factory)
    handlers = actions.Actions(engine)
    others = extras.Extras(engine, handlers)
    with gr.Blocks(title="Bitbrush", delete_cache=(KEPT_SECONDS // 4, KEPT_SECONDS)) as page:
        run = gr.State(time_to_live=KEPT_SECONDS)
        sides, turns = gr.State(Sides()), gr.State(Turns())
        dark, narrow = gr.Checkbox(visible=False), gr.Checkbox(visible=False)
        Prose(layout.MASTHEAD, elem_id="masthead")
        with gr.Row():
            with gr.Column(scale=4, min_width=320, elem_id="controls"):
                with gr.Tabs():
                    with gr.Tab("Photo") as photo_tab:
                        preset, source = layout.photo_source()
                    with gr.Tab("Stream") as stream_tab:
                        upload = layout.stream_source()
                decoding, reroll = layout.decoding()
            with gr.Column(scale=8, min_width=320, elem_id="result"):
                bar = layout.action_bar()
                with gr.Tabs(elem_id="views"):
                    with gr.Tab("Compare"):
                        shown = layout.comparison()
                    with gr.Tab("All methods"):
                        table = layout.methods_tab()
                    with gr.Tab("Sampling"):
                        sampling = layout.samples_tab()
                    with gr.Tab("Plots") as plots_tab:
                        plot = layout.plots_tab()
                    with gr.Tab("How it works"):
                        layout.how_tab()

        pair = [shown.pictures, shown.captions]
        files = [shown.stream_file, shown.picture_file]
        outputs = [bar.status, decoding.seed, *pair, shown.report, shown.numbers, *files, sampling.film, run]
        starters = [bar.run, bar.decode, table.start, sampling.start]
        buttons = [*starters, bar.stop, *files]
        model_work = {
            "concurrency_id": "model",
            "concurrency_limit": 1,
            "show_progress": "minimal",
            "show_progress_on": bar.status,
        }
        aside = {"show_progress": "hidden", "api_visibility": "private"}
        at_once = aside | {"queue": False}
        # Only events that pass through the queue show their errors, and only `failure` follows an error.
        check = aside | {"js": TO_RESULT, "concurrency_limit": None}

        photo_inputs = [*source.all(), *decoding.all(), sides, turns]
        begin = {"fn": updates.begun, "inputs": turns, "outputs": buttons, **at_once}
        join = begin | {"fn": updates.joined}
        opening = shown.begin.click(
            handlers.begin, photo_inputs, outputs, api_name="begin", api_visibility="private", **model_work
        )
        checked = bar.run.click(checks.check_photo, source.photo, None, **check)
        compressing = checked.success(**begin).then(
            handlers.compress, photo_inputs, outputs, api_name="compress", **model_work
        )
        checked = bar.decode.click(checks.check_stream, upload.stream, None, **check)
        decompressing = checked.success(**begin).then(
            handlers.decompress,
            [upload.stream, *decoding.all(), sides, turns],
            outputs,
            api_name="decompress",
            **model_work,
        )
        completing = shown.complete.click(**join, trigger_mode="always_last").then(
            handlers.complete,
            [run, sides, turns],
            [bar.status, *pair, shown.report, shown.numbers],
            **model_work,
            api_visibility="private",
        )
        comparing = table.start.click(**join).then(
            others.compare,
            [*source.all(), *decoding.all(), run, turns],
            [bar.status, table.grid, table.sheet, table.numbers],
            api_name="compare",
            **model_work,
        )
        painting = sampling.start.click(**join).then(
            others.sample,
            [sampling.count, run, turns],
            [bar.status, sampling.samples],
            api_visibility="private",
            **model_work,
        )
        opening.then(updates.opening_ended, [turns, *files], files, **at_once)
        opening.failure(lambda: actions.FAILED, None, bar.status, **at_once)
        for work in (compressing, decompressing, completing, comparing, painting):
            work.then(updates.ended, [turns, *files], [bar.status, *buttons], **at_once)
            work.failure(updates.failed, [run, sides, *files], [bar.status, *buttons, *pair], **at_once)
        comparing.success(lambda file: updates.ready(file)[0], table.sheet, table.sheet, **at_once)

        async def stop(turns: Turns, request: gr.Request) -> None:
            turns.stop()
            await leave_queue(page, request.session_hash, model_work["concurrency_id"], turns)

        bar.stop.click(None, None, [bar.status, bar.stop], js=STOPPING, **at_once)
        bar.stop.click(stop, turns, None, **at_once)

        gr.on(
            [shown.left.change, shown.right.change],
            handlers.show,
            [sides, run, shown.left, shown.right],
            pair,
            api_name="show",
            queue=False,
            show_progress="hidden",
        )
        reroll.click(actions.draw_seed, None, decoding.seed, **at_once).then(None, js=RUN_AGAIN)
        sliders, painting_style = [source.bpp, source.quality, source.ultralow], decoding.all()[:3]
        source.rate.change(updates.visible_rate, source.rate, sliders, **at_once)
        source.rate.input(updates.codec_settings, [source.rate, *painting_style], painting_style, **at_once)
        decoding.decoder.input(
            updates.recommended_steps, [source.rate, decoding.decoder, decoding.steps], decoding.steps, **at_once
        )
        preset.input(updates.preset, preset, [source.rate, *sliders, *painting_style], **at_once)
        gr.on(
            [source.rate.input, *(slider.input for slider in sliders), decoding.noise.input],
            lambda: None,
            None,
            preset,
            **at_once,
        )
        # Not before the queue: it has one place for all conversions, and shows what is wrong with a file.
        source.photo.upload(checks.viewable, source.photo, source.photo, **aside)
        upload.stream.change(checks.describe, upload.stream, upload.header, **at_once)
        photo_tab.select(lambda: updates.one_visible(True), None, [bar.run, bar.decode], **at_once)
        stream_tab.select(lambda: updates.one_visible(False), None, [bar.run, bar.decode], **at_once)
        gr.on(
            [plots_tab.select, plot.kind.change],
            plots.draw,
            [plot.kind, dark, narrow, run],
            plot.plot,
            js=SCREEN,
            trigger_mode="always_last",
            **aside,
        )

        def opened(request: gr.Request) -> list:
            link = Link.from_query(request.query_params)
            return updates.opened(link, handlers.open(link))

        controls = [*source.all(), preset, *decoding.all()[:-1], sides, shown.left, shown.right]
        page.load(opened, None, [*controls, *outputs], **at_once).then(updates.ready, files, files, **at_once)
    if warm_up:
        handlers.warm_up()
    return page.queue(max_size=QUEUE_SIZE)


def launch(page: gr.Blocks, **options) -> str:
    """Serves the page with its theme and limits; returns its address. ``options`` go to `gr.Blocks.launch`."""
    _, url, _ = page.launch(
        theme=bitbrush_theme(),
        css=CSS,
        head=HEAD,
        max_file_size="64mb",
        footer_links=["api"],
        ssr_mode=False,
        **options,
    )
    return url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="answer one real request on a free port, then exit")
    if parser.parse_args().smoke:
        smoke()
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # in order, so that temporary files go
        launch(build_app(warm_up=True))


if __name__ == "__main__":
    main()
