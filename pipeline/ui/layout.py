"""The components of the page, in the order in which they stand there."""

from dataclasses import dataclass, fields

import gradio as gr

from pipeline.comparison import DECODER_NAMES
from pipeline.settings import MAX_SEED, MAX_STEPS
from pipeline.ui.choices import DEFAULTS, EXAMPLES, PRESETS, RANGES, Link
from pipeline.ui.components import (
    DropdownInput,
    PhotoInput,
    Prose,
    RadioInput,
    SeedInput,
    SliderInput,
    StreamInput,
)
from pipeline.ui.extras import MAX_SAMPLES
from pipeline.ui.how import how_it_works
from pipeline.ui.plots import KINDS
from pipeline.ui.report import captions_html, progress
from pipeline.ui.sides import KEYS, Sides

MASTHEAD = """<h1>Bitbrush</h1>
<p>A few bits sketch the picture, diffusion paints the detail back.</p>"""
HINT = """<p><span class="keys"><kbd>Space</kbd> swaps, <kbd>←</kbd> <kbd>→</kbd> move. <kbd>1</kbd> … <kbd>9</kbd>,
<kbd>0</kbd> and <kbd>U</kbd> choose the right picture, with <kbd>Shift</kbd> the left. </span>
<a id="share" href="?" hidden>Link to this view</a></p>"""
OPENING = progress("Painting the example …")
UNPAINTED = captions_html("Original", "Original", press="begin")
METHODS_INTRO = """<p class="note">One photo through every method in no more bytes than the stream has, where the
unpainted picture errs most. Made on demand, with the settings at the left.</p>"""
SAMPLES_INTRO = """<h2>What is invented</h2><p class="note">The same stream, painted with other seeds.</p>"""


class Group:
    """Components by name, and all of them in order."""

    def all(self) -> list:
        return [getattr(self, each.name) for each in fields(self)]


@dataclass(frozen=True)
class PhotoSource(Group):
    photo: gr.Image
    rate: gr.Radio
    bpp: gr.Slider
    quality: gr.Slider
    ultralow: gr.Slider


@dataclass(frozen=True)
class StreamSource(Group):
    stream: gr.File
    header: gr.HTML


@dataclass(frozen=True)
class Decoding(Group):
    decoder: gr.Radio
    steps: gr.Slider
    noise: gr.Slider
    seed: gr.Number


@dataclass(frozen=True)
class Bar(Group):
    run: gr.Button
    decode: gr.Button
    stop: gr.Button
    status: gr.HTML


@dataclass(frozen=True)
class Comparison(Group):
    begin: gr.Button
    """Pressed by the page's script: paints the example of the address."""
    complete: gr.Button
    """Likewise: makes the chosen pictures that are missing."""
    captions: gr.HTML
    pictures: gr.ImageSlider
    left: gr.Dropdown
    right: gr.Dropdown
    report: gr.HTML
    numbers: gr.JSON
    stream_file: gr.DownloadButton
    picture_file: gr.DownloadButton


@dataclass(frozen=True)
class MethodsTab(Group):
    start: gr.Button
    grid: gr.HTML
    sheet: gr.DownloadButton
    numbers: gr.JSON


@dataclass(frozen=True)
class SamplesTab(Group):
    film: gr.HTML
    count: gr.Slider
    start: gr.Button
    samples: gr.HTML


@dataclass(frozen=True)
class PlotsTab(Group):
    kind: gr.Radio
    plot: gr.HTML


def photo_source() -> tuple[gr.Radio, PhotoSource]:
    """The preset, and the photo with its rate."""
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
        info="Faithful spends more bytes and invents little; Realistic paints more; Tiny is another codec altogether: "
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
    return preset, PhotoSource(photo, rate, bpp, quality, ultralow)


def stream_source() -> StreamSource:
    stream = StreamInput(label="Stream (.bbr)", height=120, elem_id="stream")
    return StreamSource(stream, Prose())


def decoding() -> tuple[Decoding, gr.Button]:
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
    return Decoding(decoder, steps, noise, seed), reroll


def action_bar() -> Bar:
    with gr.Row(elem_id="go"):
        run = gr.Button("Run", variant="primary", min_width=120, scale=0, elem_id="run")
        decode = gr.Button("Decode", variant="primary", min_width=120, scale=0, visible=False, elem_id="decode")
        stop = gr.Button("Stop", variant="stop", min_width=80, scale=0, interactive=False, elem_id="stop")
        status = Prose("<p>Choose a photo and press Run.</p>", min_width=240, elem_id="status")
    return Bar(run, decode, stop, status)


def comparison() -> Comparison:
    """The slider and what belongs to it; swapping and choosing by key happen in the browser."""
    begin, complete = (gr.Button(name, visible="hidden", elem_id=name) for name in ("begin", "complete"))
    captions = Prose(captions_html("Original", "Original"), elem_id="captions")
    pictures = gr.ImageSlider(
        value=(str(EXAMPLES[Link.example]),) * 2,
        label="Comparison",
        show_label=False,
        format="png",
        interactive=False,
        max_height=640,
        elem_id="compare",
    )
    with gr.Row(elem_id="sides"):
        choices = [(f"{key}  {side}", side) for key, side in KEYS.items()]
        plain = {"filterable": False, "min_width": 150}
        left = DropdownInput(choices, value=Sides.left, label="Left", elem_id="left", **plain)
        swap = gr.Button("Swap", min_width=70, scale=0, elem_id="swap")
        right = DropdownInput(
            choices, value=Sides.right, label="Right", filterable=False, min_width=150, elem_id="right"
        )
        gr.Button("Worst region", min_width=130, scale=0, elem_id="worst")
    for key, side in KEYS.items():
        button = gr.Button(f"Show {side}", visible="hidden", elem_id=f"key-{key}")
        script = f"(left, right) => window.bitbrushShift ? ['{side}', right] : [left, '{side}']"
        button.click(None, [left, right], [left, right], js=script)
    swap.click(None, [left, right], [left, right], js="(left, right) => [right, left]")
    Prose(HINT, elem_id="hint")
    report = Prose(elem_id="report", elem_classes="report")
    numbers = gr.JSON(label="Numbers", visible=False)
    with gr.Row(elem_id="downloads"):
        stream_file = gr.DownloadButton("Download stream (.bbr)", interactive=False, elem_id="stream-file")
        picture_file = gr.DownloadButton("Download repaint (.png)", interactive=False, elem_id="png-file")
    return Comparison(begin, complete, captions, pictures, left, right, report, numbers, stream_file, picture_file)


def methods_tab() -> MethodsTab:
    Prose(METHODS_INTRO)
    with gr.Row(elem_classes="tools"):
        start = gr.Button("Run every method", min_width=190, scale=0, elem_id="every")
        sheet = gr.DownloadButton(
            "Download as one picture (.png)", interactive=False, scale=0, min_width=270, elem_id="sheet"
        )
    return MethodsTab(start, Prose(elem_id="grid"), sheet, gr.JSON(label="Numbers", visible=False))


def samples_tab() -> SamplesTab:
    Prose('<h2>Step by step</h2><p class="note">The current estimate, where the unpainted picture errs most.</p>')
    film = Prose(elem_id="film")
    Prose(SAMPLES_INTRO)
    with gr.Row(elem_classes="tools"):
        start = gr.Button("Paint samples", min_width=150, scale=0, elem_id="paint-samples")
        count = SliderInput(2, MAX_SAMPLES, 4, step=1, precision=0, label="How many samples", min_width=220)
    return SamplesTab(film, count, start, Prose(elem_id="samples"))


def plots_tab() -> PlotsTab:
    kind = RadioInput(list(KINDS), value=KINDS[0], label="Plot", elem_classes="segments")
    return PlotsTab(kind, Prose(elem_id="plot"))


def how_tab() -> None:
    Prose(how_it_works(), elem_id="how")
