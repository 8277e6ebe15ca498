"""The Bitbrush page: ``python app.py`` serves it, ``python app.py --smoke`` answers one real request and exits."""

import argparse
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_SSR_MODE", "false")

import gradio as gr

from pipeline.settings import MAX_SEED, MAX_STEPS, Decoder, DecodeSettings
from pipeline.ui import actions, view
from pipeline.ui.components import PhotoInput, Prose
from pipeline.ui.engine import Engine, shipped_codec
from pipeline.ui.files import KEPT_SECONDS
from pipeline.ui.theme import CSS, HEAD, bitbrush_theme

if TYPE_CHECKING:
    from pipeline.codec import Codec

EXAMPLES = [
    Path(__file__).parent / "assets" / "examples" / name
    for name in ("cat.png", "flower.jpg", "temple.jpg", "astronaut.png", "coffee.png", "rocket.jpg")
]
DEFAULTS = DecodeSettings()
RECOMMENDED_STEPS = {Decoder.DIFFUSION: DEFAULTS.num_inference_steps, Decoder.FLOW: 4}
MASTHEAD = """<h1>Bitbrush</h1>
<p>A few bits sketch the picture, diffusion paints the detail back.</p>"""
HINT = "<kbd>Space</kbd> swaps left and right. Scroll or pinch on the picture to zoom."
TO_RESULT = """(source) => {
    const result = document.querySelector("#result");
    result.tabIndex = -1;
    result.focus({preventScroll: true});
    if (innerWidth < 800) result.scrollIntoView({behavior: "smooth"});
    return source;
}"""
RUN_AGAIN = "() => document.querySelector('#run, #decode').click()"


def build_app(codec_factory: Callable[[], "Codec"] = shipped_codec, warm_up: bool = False) -> gr.Blocks:
    """The page over one codec.

    Args:
        codec_factory: makes the codec, when it is first needed.
        warm_up: load all models in the background at once.
    """
    engine = Engine(codec_factory)
    handlers = actions.Actions(engine)
    with gr.Blocks(title="Bitbrush", delete_cache=(KEPT_SECONDS // 4, KEPT_SECONDS)) as page:
        shown = gr.State(time_to_live=KEPT_SECONDS)
        sides = gr.State(view.Sides())
        Prose(MASTHEAD, elem_id="masthead")
        with gr.Row():
            with gr.Column(scale=4, min_width=320, elem_id="controls"):
                with gr.Tabs():
                    with gr.Tab("Photo") as photo_tab:
                        photo, rate, bpp, quality = _photo_inputs()
                    with gr.Tab("Stream") as stream_tab:
                        stream = gr.File(
                            label="Stream (.bbr)", file_types=[".bbr"], type="binary", height=120, elem_id="stream"
                        )
                        header = Prose()
                decoder, steps, noise, seed, reroll = _decoder_inputs()
            with gr.Column(scale=8, min_width=320, elem_id="result"):
                with gr.Row(elem_id="go"):
                    run = gr.Button("Run", variant="primary", min_width=120, scale=0, elem_id="run")
                    decode = gr.Button(
                        "Decode", variant="primary", min_width=120, scale=0, visible=False, elem_id="decode"
                    )
                    stop = gr.Button("Stop", variant="stop", min_width=80, scale=0, interactive=False, elem_id="stop")
                    status = Prose("<p>Choose a photo and press Run.</p>", min_width=240, elem_id="status")
                captions = Prose(elem_id="captions")
                compare = gr.ImageSlider(
                    label="Comparison",
                    show_label=False,
                    format="png",
                    interactive=False,
                    max_height=640,
                    elem_id="compare",
                )
                left, right, swap = _side_inputs()
                Prose(HINT, elem_id="hint")
                report = Prose(elem_id="report")
                numbers = gr.JSON(label="Numbers", visible=False)
                with gr.Row():
                    stream_file = gr.DownloadButton("Download stream (.bbr)", interactive=False, elem_id="stream-file")
                    picture_file = gr.DownloadButton("Download repaint (.png)", interactive=False, elem_id="png-file")

        decoding = [decoder, steps, noise, seed, sides]
        outputs = [status, seed, compare, captions, report, numbers, stream_file, picture_file, shown]
        buttons = [run, decode, stop, stream_file, picture_file]
        model_work = {
            "outputs": outputs,
            "concurrency_id": "model",
            "concurrency_limit": 1,
            "show_progress": "minimal",
            "show_progress_on": status,
        }
        aside = {"show_progress": "hidden", "api_visibility": "private"}
        at_once = aside | {"queue": False}
        # Only events that pass through the queue show their errors, and only `failure` follows an error.
        check = aside | {"js": TO_RESULT, "concurrency_limit": None}

        checked = run.click(actions.check_photo, photo, None, **check)
        compressing = checked.success(_busy, None, buttons, **at_once).then(
            handlers.compress, [photo, rate, bpp, quality, *decoding], api_name="compress", **model_work
        )
        checked = decode.click(actions.check_stream, stream, None, **check)
        decompressing = checked.success(_busy, None, buttons, **at_once).then(
            handlers.decompress, [stream, *decoding], api_name="decompress", **model_work
        )
        for working in (compressing, decompressing):
            for after in (working.then, working.failure):
                after(_ended, [shown, stream_file, picture_file], [status, *buttons], **at_once)
        stop.click(None, cancels=[compressing, decompressing])

        reroll.click(actions.draw_seed, None, seed, **at_once).then(None, js=RUN_AGAIN)
        swap.click(None, [left, right], [left, right], js="(left, right) => [right, left]")
        gr.on(
            [left.change, right.change],
            handlers.compare,
            [sides, shown, left, right],
            [compare, captions],
            api_name="compare",
            queue=False,
            show_progress="hidden",
        )
        rate.change(lambda rate: _one_visible(rate == "bpp"), rate, [bpp, quality], **at_once)
        decoder.input(_recommend_steps, [decoder, steps], steps, **at_once)
        stream.change(actions.describe, stream, header, **at_once)
        photo_tab.select(lambda: _one_visible(True), None, [run, decode], **at_once)
        stream_tab.select(lambda: _one_visible(False), None, [run, decode], **at_once)
    if warm_up:
        engine.warm_up()
    return page.queue(max_size=16)


def _photo_inputs() -> tuple[gr.Image, gr.Radio, gr.Slider, gr.Slider]:
    photo = PhotoInput(
        value=str(EXAMPLES[0]),
        label="Photo",
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard"],
        height=200,
        elem_id="photo",
    )
    gr.Examples([[str(path)] for path in EXAMPLES], photo, label="Example photos", elem_id="examples")
    rate = gr.Radio([("Target bitrate", "bpp"), ("Quality", "quality")], value="bpp", label="Set the size by")
    bpp = gr.Slider(0.05, 1.0, 0.2, step=0.01, label="Target bitrate, bits per pixel")
    quality = gr.Slider(0, 1, 0.5, step=0.01, label="Quality", visible=False)
    return photo, rate, bpp, quality


def _decoder_inputs() -> tuple[gr.Radio, gr.Slider, gr.Slider, gr.Number, gr.Button]:
    choices = [(name, decoder.value) for decoder, name in actions.DECODER_NAMES.items()]
    decoder = gr.Radio(choices, value=DEFAULTS.decoder.value, label="Decoder")
    steps = gr.Slider(1, MAX_STEPS, DEFAULTS.num_inference_steps, step=1, label="Sampling steps")
    noise = gr.Slider(
        0,
        1,
        DEFAULTS.noise_level,
        step=0.01,
        label="Noise level",
        info="0 returns the autoencoder's exact picture, 1 is the most realistic.",
    )
    with gr.Row(elem_id="seeding"):
        seed = gr.Number(DEFAULTS.seed, label="Seed", precision=0, minimum=0, maximum=MAX_SEED, min_width=120)
        reroll = gr.Button("Re-roll", min_width=100, scale=0, elem_id="reroll")
    return decoder, steps, noise, seed, reroll


def _side_inputs() -> tuple[gr.Radio, gr.Radio, gr.Button]:
    with gr.Row(elem_id="sides"):
        left = gr.Radio(view.SIDES, value=view.Sides.left, label="Left", min_width=280, elem_id="left")
        swap = gr.Button("Swap", min_width=80, scale=0, size="sm", elem_id="swap")
        right = gr.Radio(view.SIDES, value=view.Sides.right, label="Right", min_width=280, elem_id="right")
    return left, right, swap


def _busy() -> list[dict]:
    """Updates of run, decode, stop and the two downloads when a run begins."""
    return [gr.update(interactive=is_stop) for is_stop in (False, False, True, False, False)]


def _ended(shown: view.Shown | None, stream_file: str | None, picture_file: str | None) -> list[dict | str]:
    """The status and the same five when it has ended, one way or another; files that are there can be downloaded."""
    status = gr.skip() if picture_file else actions.stopped(shown)
    ready = (True, True, False, bool(stream_file), bool(picture_file))
    return [status, *(gr.update(interactive=on) for on in ready)]


def _one_visible(first: bool) -> tuple[dict, dict]:
    return gr.update(visible=first), gr.update(visible=not first)


def _recommend_steps(decoder: str, steps: int) -> int:
    """The decoder's own step count, unless the user had chosen one."""
    return RECOMMENDED_STEPS[Decoder(decoder)] if steps in RECOMMENDED_STEPS.values() else steps


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
        _, _, numbers, *_ = client.predict(handle_file(str(EXAMPLES[0])), steps=2, api_name="/compress")
    finally:
        page.close(verbose=False)
    print("Smoke run: {width} × {height} pixels in {bytes:,} bytes, repainted in 2 steps.".format(**numbers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="answer one real request on a free port, then exit")
    if parser.parse_args().smoke:
        smoke()
    else:
        launch(build_app(warm_up=True))


if __name__ == "__main__":
    main()
