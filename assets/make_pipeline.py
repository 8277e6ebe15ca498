"""Draws both pipelines, wide and tall, as SVG for light and dark grounds: ``python assets/make_pipeline.py``.

Colours come from the page's variables where it is part of a page, and from the reader's colour scheme elsewhere.
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "figures"
BOX, HEIGHT, GAP, MARGIN = 144, 92, 52, 8
STYLE = """
.pipeline .ink { fill: var(--body-text-color, #1a1a1a); }
.pipeline .faint { fill: var(--body-text-color-subdued, #585858); }
.pipeline .box { fill: var(--block-background-fill, #fff); stroke: var(--neutral-400, #8c8c8c); }
.pipeline .paint { stroke: var(--slider-color, #2f49c6); stroke-width: 2; }
.pipeline .line { stroke: var(--neutral-400, #8c8c8c); }
.pipeline .head { fill: var(--neutral-400, #8c8c8c); }
.pipeline text { font: 13px system-ui, sans-serif; }
.pipeline .title { font-weight: 650; font-size: 15px; }
@media (prefers-color-scheme: dark) {
  .pipeline .ink { fill: var(--body-text-color, #ededed); }
  .pipeline .faint { fill: var(--body-text-color-subdued, #adadad); }
  .pipeline .box { fill: var(--block-background-fill, #1b1b1b); }
  .pipeline .paint { stroke: var(--slider-color, #9fb0ff); }
}"""


@dataclass(frozen=True)
class Stage:
    """One box, and what goes on from it to the next."""

    title: str
    lines: tuple[str, str]
    passes: str = ""
    paints: bool = False


@dataclass(frozen=True)
class Pipeline:
    """A figure, and what it says to who cannot see it."""

    label: str
    stages: tuple[Stage, ...]


_PHOTO = Stage("Photo", ("8-bit RGB,", "24 bits per pixel"), "pixels")
STANDARD = Pipeline(
    "Photo, autoencoder, stream, average picture, then diffusion or flow paints detail",
    (
        _PHOTO,
        Stage("Autoencoder", ("trained for MSE;", "sets every byte"), "integers"),
        Stage("Stream", ("header, checksum,", "coded symbols"), "bytes"),
        Stage("Average", ("all that was sent:", "certain but smooth"), "+ noise"),
        Stage("Decoder", ("diffusion or flow:", "detail, no bytes"), "", True),
    ),
)
ULTRALOW = Pipeline(
    "Photo, three encoders, stream, coarse picture with dual features, then latent diffusion paints the rest",
    (
        _PHOTO,
        Stage("Three encoders", ("VAE, distortion", "and semantics"), "features"),
        Stage("Stream", ("a few hundred", "bytes in all"), "bytes"),
        Stage("Coarse picture", ("and dual features:", "pixels, semantics"), "guide"),
        Stage("Latent diffusion", ("paints the rest in", "the VAE’s space"), "", True),
    ),
)


def draw(pipeline: Pipeline, wide: bool) -> str:
    """The figure as SVG, from left to right or from top to bottom."""
    step = (BOX + GAP, 0) if wide else (0, HEIGHT + GAP)
    last = len(pipeline.stages) - 1
    end = tuple(last * each for each in step)
    width, height = end[0] + BOX + 2 * MARGIN, end[1] + HEIGHT + 2 * MARGIN
    parts = []
    for number, stage in enumerate(pipeline.stages):
        left, top = MARGIN + number * step[0], MARGIN + number * step[1]
        parts.append(_box(stage, left, top))
        if number < last:
            parts.append(_arrow(stage.passes, left, top, wide))
    shape = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
    head = f'<svg {shape} class="pipeline" role="img" aria-label="{pipeline.label}">'
    return f"{head}<style>{STYLE}</style>{''.join(parts)}</svg>\n"


def _box(stage: Stage, left: int, top: int) -> str:
    kind = "box paint" if stage.paints else "box"
    middle = left + BOX / 2
    texts = [f'<text class="ink title" x="{middle}" y="{top + 30}" text-anchor="middle">{escape(stage.title)}</text>']
    for number, line in enumerate(stage.lines):
        y = top + 54 + 18 * number
        texts.append(f'<text class="faint" x="{middle}" y="{y}" text-anchor="middle">{escape(line)}</text>')
    return f'<rect class="{kind}" x="{left}" y="{top}" width="{BOX}" height="{HEIGHT}" rx="4"/>{"".join(texts)}'


def _arrow(label: str, left: int, top: int, wide: bool) -> str:
    if wide:
        x, y = left + BOX, top + HEIGHT / 2
        line = f'x1="{x}" y1="{y}" x2="{x + GAP - 7}" y2="{y}"'
        head = f"{x + GAP},{y} {x + GAP - 8},{y - 5} {x + GAP - 8},{y + 5}"
        text = f'x="{x + GAP / 2 - 3}" y="{y - 9}" text-anchor="middle" style="font-size: 11px"'
    else:
        x, y = left + BOX / 2, top + HEIGHT
        line = f'x1="{x}" y1="{y}" x2="{x}" y2="{y + GAP - 7}"'
        head = f"{x},{y + GAP} {x - 5},{y + GAP - 8} {x + 5},{y + GAP - 8}"
        text = f'x="{x + 12}" y="{y + GAP / 2 + 3}"'
    return (
        f'<line class="line" {line}/><polygon class="head" points="{head}"/><text class="faint" {text}>{label}</text>'
    )


def main() -> None:
    """Write both pipelines in both layouts."""
    FOLDER.mkdir(exist_ok=True)
    for name, pipeline in (("pipeline", STANDARD), ("ultralow", ULTRALOW)):
        for wide, layout in ((True, "wide"), (False, "tall")):
            (FOLDER / f"{name}-{layout}.svg").write_text(draw(pipeline, wide), encoding="utf-8")


if __name__ == "__main__":
    main()
