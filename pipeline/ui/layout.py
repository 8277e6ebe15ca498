"""The components of the page, in the order in which they stand there."""

from typing import Any

import gradio as gr

from pipeline.settings import DECODER_NAMES, MAX_SEED, MAX_STEPS, QualityMapKind
from pipeline.ui.choices import DEFAULT_MAP, DEFAULTS, EXAMPLES, PRESETS, RANGES, Link
from pipeline.ui.components import (
    CheckboxInput,
    DropdownInput,
    PhotoInput,
    Prose,
    RadioInput,
    SeedInput,
    SliderInput,
    StreamInput,
)
from pipeline.ui.files import KEPT_SECONDS
from pipeline.ui.how import how_it_works
from pipeline.ui.masks import MaskInput
from pipeline.ui.parts import Parts
from pipeline.ui.plots import KINDS
from pipeline.ui.report import captions_html, progress
from pipeline.ui.sides import KEYS, Sides
from pipeline.ui.turns import Turns

MASTHEAD = """<h1>Bitbrush</h1>
<p>A few bits sketch the picture, diffusion paints the detail back.</p>"""
HINT = """<p><span class="keys"><kbd>Space</kbd> swaps, <kbd>←</kbd> <kbd>→</kbd> move. <kbd>1</kbd> … <kbd>9</kbd>,
<kbd>0</kbd>, <kbd>U</kbd> and <kbd>X</kbd> choose the right picture, with <kbd>Shift</kbd> the left. </span>
A click into the picture chooses the part at 200 %.
<a id="share" href="?" hidden>Link to this view</a></p>"""
CLOSE_UP = """<figure><div class="part" role="img" tabindex="0"></div><figcaption></figcaption></figure>""" * 2
OPENING = progress("Painting the example …")
UNPAINTED = captions_html("Original", "Original", press="begin")
METHODS_INTRO = """<p class="note">One photo through every method in no more bytes than the stream has, where the
unpainted picture errs most. Made on demand, with the settings at the left.</p>"""
MAX_SAMPLES = 8
FILM_INTRO = """<h2>Step by step</h2><p class="note">The current estimate, where the unpainted picture errs most.</p>"""
INVENTION_INTRO = """<p class="note">The stream says what was sent. The rest of the repaint is invented: likely, but not
measured.</p>"""
SAMPLES_INTRO = """<p class="note">Another seed invents other detail. Paint the same stream with several, and see what
differs between them. It takes as long as that many repaints.</p>"""


def page_parts() -> Parts:
    """Everything on the page, and the session's state, made inside a `gr.Blocks`."""
    state: dict[str, Any] = {
        "run": gr.State(time_to_live=KEPT_SECONDS),
        "sides": gr.State(Sides()),
        "turns": gr.State(Turns()),
        "canvas": gr.State(),
        "seed_used": gr.Number(label="Seed that was used", precision=0, visible=False),
        "shown": gr.Image(visible=False),
        "viewed": gr.JSON(visible=False),
        "dark": gr.Checkbox(visible=False),
        "narrow": gr.Checkbox(visible=False),
    }
    Prose(MASTHEAD, elem_id="masthead")
    with gr.Row():
        with gr.Column(scale=4, min_width=320, elem_id="controls"):
            with gr.Tabs():
                with gr.Tab("Photo") as photo_tab:
                    photo = _photo()
                with gr.Tab("Stream") as stream_tab:
                    stream = _stream()
            decoding = _decoding()
        with gr.Column(scale=8, min_width=320, elem_id="result"):
            bar = _action_bar()
            with gr.Tabs(elem_id="views"):
                with gr.Tab("Compare"):
                    comparison = _comparison()
                with gr.Tab("All methods"):
                    methods = _methods_tab()
                with gr.Tab("What was invented"):
                    invention = _invention_tab()
                with gr.Tab("Sampling"):
                    Prose(FILM_INTRO)
                    film = Prose(elem_id="film")
                with gr.Tab("Plots") as plots_tab:
                    plots = _plots_tab()
                with gr.Tab("How it works"):
                    Prose(how_it_works(), elem_id="how")
    tabs = dict(photo_tab=photo_tab, stream_tab=stream_tab, plots_tab=plots_tab)
    return Parts(
        **state, **tabs, **photo, **stream, **decoding, **bar, **comparison, **methods, **invention, **plots, film=film
    )


def _photo() -> dict[str, Any]:
    """The photo, the preset, and the rate."""
    photo = PhotoInput(
        label="Photo",
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard"],
        height=200,
        elem_id="photo",
    )
    gr.Examples([[str(path)] for path in EXAMPLES.values()], photo, label="Example photos", elem_id="examples")
    preset = gr.Radio(
        [each.name for each in PRESETS],
        value="Balanced",
        label="Preset",
        info="Faithful spends most and invents least; Fine spends twice as much as Balanced; Tiny is another codec: "
        "a few hundred bytes, and most of the picture invented.",
        elem_classes="segments",
    )
    rates = [("Bitrate", "bpp"), ("Quality", "quality"), ("Ultra-low", "ultralow")]
    rate = RadioInput(rates, value=Link.rate, label="Set the size by")
    bpp = SliderInput(*RANGES["bpp"], step=0.01, label="Target bitrate, bits per pixel")
    quality = SliderInput(*RANGES["quality"], step=0.01, label="Quality", visible=False)
    ultralow = SliderInput(
        *RANGES["ultralow"], step=0.001, label="Target bitrate of the ultra-low codec, bits per pixel", visible=False
    )
    quality_map = RadioInput(
        [(kind.title(), kind.value) for kind in (QualityMapKind.ADAPTIVE, QualityMapKind.EVEN, QualityMapKind.PAINTED)],
        value=DEFAULT_MAP.value,
        label="Where the bits go",
        info="Adaptive favours skin, sky and water over busy texture; Even has the best PSNR; Painted favours what you "
        "brush over, and is even while nothing is painted. The size stays the same.",
        elem_classes="segments",
        elem_id="map",
    )
    mask = MaskInput(label="Paint here", placeholder="Choose a photo first.", visible=False, elem_id="mask")
    rates_and_map = dict(rate=rate, bpp=bpp, quality=quality, ultralow=ultralow, quality_map=quality_map, mask=mask)
    return dict(photo=photo, preset=preset, **rates_and_map)


def _stream() -> dict[str, Any]:
    stream = StreamInput(label="Stream (.bbr)", height=120, elem_id="stream")
    return dict(stream=stream, header=Prose())


def _decoding() -> dict[str, Any]:
    """The decoder's controls, and the button that draws a seed."""
    choices = [(name, decoder.value) for decoder, name in DECODER_NAMES.items()]
    decoder = RadioInput(choices, value=DEFAULTS.decoder.value, label="Decoder")
    steps = SliderInput(1, MAX_STEPS, DEFAULTS.num_inference_steps, step=1, precision=0, label="Sampling steps")
    noise = SliderInput(
        0,
        1,
        DEFAULTS.noise_level,
        step=0.01,
        label="Noise level",
        info="0 returns the exact picture that was sent, 1 paints the most.",
    )
    with gr.Row(elem_id="seeding"):
        seed = SeedInput(DEFAULTS.seed, label="Seed", precision=0, minimum=0, maximum=MAX_SEED, min_width=120)
        reroll = gr.Button("Re-roll", min_width=100, scale=0, elem_id="reroll")
    return dict(decoder=decoder, steps=steps, noise=noise, seed=seed, reroll=reroll)


def _action_bar() -> dict[str, Any]:
    with gr.Row(elem_id="go"):
        run = gr.Button("Run", variant="primary", min_width=120, scale=0, elem_id="run")
        decode = gr.Button("Decode", variant="primary", min_width=120, scale=0, visible=False, elem_id="decode")
        stop = gr.Button("Stop", variant="stop", min_width=80, scale=0, interactive=False, elem_id="stop")
        status = Prose("<p>Choose a photo and press Run.</p>", min_width=240, elem_id="status")
    return dict(run_button=run, decode_button=decode, stop_button=stop, status=status)


def _comparison() -> dict[str, Any]:
    """The slider and what belongs to it; swapping and choosing by key happen in the browser."""
    begin = gr.Button(
        "begin", visible="hidden", elem_id="begin"
    )  # pressed by the script: paints the example of the address
    complete = gr.Button("complete", visible="hidden", elem_id="complete")  # likewise: makes the missing pictures
    captions = Prose(captions_html("Original", "Original"), elem_id="captions")
    with gr.Row(elem_id="stage"):
        pictures = gr.ImageSlider(
            value=(str(EXAMPLES[Link.example]),) * 2,
            label="Comparison",
            show_label=False,
            format="png",
            interactive=False,
            max_height=640,
            elem_id="compare",
        )
        Prose(CLOSE_UP, elem_id="closeup")
    with gr.Row(elem_id="sides"):
        choices = [(f"{key}  {side}", side) for key, side in KEYS.items()]
        left = DropdownInput(choices, value=Sides.left, label="Left", filterable=False, min_width=150, elem_id="left")
        swap = gr.Button("Swap", min_width=70, scale=0, elem_id="swap")
        right = DropdownInput(
            choices, value=Sides.right, label="Right", filterable=False, min_width=150, elem_id="right"
        )
        gr.Button("Worst region", min_width=130, scale=0, elem_id="worst")
    with gr.Row(elem_id="looks"):
        closer = CheckboxInput(True, label="Part at 200 %", container=False, min_width=140, elem_id="closer")
        overlay = CheckboxInput(label="Where the bits went", container=False, min_width=180, elem_id="overlay")
        CheckboxInput(True, label="Shortcut keys", interactive=True, container=False, min_width=140, elem_id="keys")
    closer.input(None, closer, None, js="bitbrush.closer")
    for key, side in KEYS.items():
        button = gr.Button(f"Show {side}", visible="hidden", elem_id=f"key-{key}")
        button.click(None, [left, right], [left, right], js=f"bitbrush.choose('{side}')")
    swap.click(None, [left, right], [left, right], js="bitbrush.swap")
    Prose(HINT, elem_id="hint")
    report = Prose(elem_id="report", elem_classes="report")
    numbers = gr.JSON(label="Numbers", visible=False)
    with gr.Row(elem_id="downloads"):
        stream_file = gr.DownloadButton("Download stream (.bbr)", interactive=False, elem_id="stream-file")
        picture_file = gr.DownloadButton("Download repaint (.png)", interactive=False, elem_id="png-file")
    return dict(
        begin_button=begin,
        complete_button=complete,
        captions=captions,
        pictures=pictures,
        left=left,
        right=right,
        overlay=overlay,
        report=report,
        numbers=numbers,
        stream_file=stream_file,
        picture_file=picture_file,
    )


def _methods_tab() -> dict[str, Any]:
    Prose(METHODS_INTRO)
    with gr.Row(elem_classes="tools"):
        start = gr.Button("Run every method", min_width=190, scale=0, elem_id="every")
        sheet = gr.DownloadButton(
            "Download as one picture (.png)", interactive=False, scale=0, min_width=270, elem_id="sheet"
        )
    grid, numbers = Prose(elem_id="grid"), gr.JSON(label="Numbers", visible=False)
    return dict(compare_button=start, grid=grid, sheet=sheet, comparison=numbers)


def _invention_tab() -> dict[str, Any]:
    Prose(INVENTION_INTRO)
    invention = Prose(elem_id="invention")
    Prose(SAMPLES_INTRO)
    with gr.Row(elem_classes="tools"):
        start = gr.Button("Paint samples", min_width=150, scale=0, elem_id="paint-samples")
        count = SliderInput(2, MAX_SAMPLES, 4, step=1, precision=0, label="How many samples", min_width=220)
    return dict(invention=invention, count=count, sample_button=start, samples=Prose(elem_id="samples"))


def _plots_tab() -> dict[str, Any]:
    kind = RadioInput(list(KINDS), value=KINDS[0], label="Plot", elem_classes="segments", elem_id="kind")
    return dict(kind=kind, plot=Prose(elem_id="plot"))
