"""The numbers of a run, for people (HTML) and for programs (JSON)."""

import math
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from pipeline.arrays import Float64
from pipeline.stream import StreamHeader

if TYPE_CHECKING:
    from pipeline.metrics import Scores

RAW_BITS = 24
"""Bits per pixel of the uncompressed picture, which the ratio compares with."""

HONEST = (
    "The fine detail in the repaint is generated, not transmitted: it is plausible rather than true, and costs no bits."
)
CONTROL = (
    "The grain control is the unpainted picture with plain noise that costs as much PSNR as the repaint does; a "
    "repaint worth having looks better than it."
)
NO_LPIPS = "LPIPS is left out: none of its networks is installed here or can be reached."
NO_ORIGINAL = "A stream comes without its original, so there is nothing to measure against."


@dataclass(frozen=True)
class Method:
    """One row of the table."""

    name: str
    label: str
    """The name with its settings, for people."""
    scores: "Scores"
    bytes: int
    """Size of the stream or file it was made from."""


@dataclass(frozen=True)
class Report:
    """What one stream cost and what each method made of it."""

    header: StreamHeader
    seed: int
    device: str
    """Device and precision, for people."""
    encode_seconds: float | None = None
    """None for a stream that was uploaded."""
    decode_seconds: float | None = None
    psnr: float | None = None
    """dB of the picture on the screen, where there is an original."""
    methods: tuple[Method, ...] = ()
    lpips_network: str | None = None
    notes: tuple[str, ...] = ()
    """What has to be said about the photo, in full sentences."""

    @property
    def ratio(self) -> float:
        """Uncompressed size over the size of the stream."""
        return RAW_BITS / self.header.bpp

    def numbers(self) -> dict[str, Any]:
        """Plain values; an infinite PSNR and a missing score are None."""
        return {
            "width": self.header.width,
            "height": self.header.height,
            "bytes": self.header.total_bytes,
            "bpp": self.header.bpp,
            "ratio": self.ratio,
            "quality": self.header.quality,
            "seed": self.seed,
            "device": self.device,
            "encode_seconds": self.encode_seconds,
            "decode_seconds": self.decode_seconds,
            "lpips_network": self.lpips_network,
            "methods": {
                method.name: {"bytes": method.bytes, "bpp": self._bpp(method.bytes)}
                | {
                    score: value if value is not None and math.isfinite(value) else None
                    for score, value in asdict(method.scores).items()
                }
                for method in self.methods
            },
        }

    def strip(self) -> str:
        """Rate, PSNR and times in large figures, as HTML; a dash for what is not known yet."""
        facts = [
            (f"{self.header.bpp:.3f}", "bits per pixel"),
            (f"{self.header.total_bytes:,}", "bytes with header"),
            (f"{self.ratio:.0f} : 1", "to 24-bit RGB"),
        ]
        if self.encode_seconds is not None:
            facts += [
                ("–" if self.psnr is None else _decibels(self.psnr), "dB PSNR"),
                (f"{self.encode_seconds:.1f} s", "to encode"),
            ]
        facts.append(("–" if self.decode_seconds is None else f"{self.decode_seconds:.1f} s", "to decode"))
        entries = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for value, name in facts)
        return f'<dl class="rate">{entries}</dl>'

    def html(self) -> str:
        """The rate, the table of scores, and what to make of it."""
        notes = [*self.notes, HONEST, CONTROL if self.methods else NO_ORIGINAL, f"Painting computed on: {self.device}."]
        if self.methods and self.lpips_network is None:
            notes.append(NO_LPIPS)
        table = self._table() if self.methods else ""
        return self.strip() + table + "".join(f'<p class="note">{escape(note)}</p>' for note in notes)

    def _table(self) -> str:
        lpips = self.lpips_network.replace("LPIPS ", "LPIPS<br>") if self.lpips_network else "LPIPS"
        names = ("bytes", "bpp", "PSNR,<br>dB ↑", "MS-SSIM ↑", f"{lpips} ↓")
        classes = (' class="same"',) * 2 + ("",) * 3
        head = "".join(f'<th scope="col"{kind}>{name}</th>' for name, kind in zip(names, classes, strict=True))
        rows = ""
        for method in self.methods:
            rate = (f"{method.bytes:,}", f"{self._bpp(method.bytes):.3f}")
            cells = zip((*rate, *score_texts(method.scores)), classes, strict=True)
            values = "".join(f"<td{kind}>{text}</td>" for text, kind in cells)
            rows += f'<tr><th scope="row">{escape(method.label)}</th>{values}</tr>'
        head = f'<thead><tr><th scope="col">Method</th>{head}</tr></thead>'
        return f'<table class="scores">{head}<tbody>{rows}</tbody></table>'

    def _bpp(self, size: int) -> float:
        return 8 * size / (self.header.width * self.header.height)


def score_texts(scores: "Scores") -> tuple[str, str, str]:
    """PSNR, MS-SSIM and LPIPS as shown; a dash where there is none."""
    return (
        _decibels(scores.psnr),
        "–" if scores.ms_ssim is None else f"{scores.ms_ssim:.4f}",
        "–" if scores.lpips is None else f"{scores.lpips:.4f}",
    )


def _decibels(psnr: float) -> str:
    return "∞" if math.isinf(psnr) else f"{psnr:.2f}"


def header_in_words(header: StreamHeader) -> str:
    """What a stream says of itself, as HTML."""
    return (
        f"<p>A picture of <b>{header.width} × {header.height}</b> pixels in <b>{header.total_bytes:,} bytes</b>: "
        f"{header.bpp:.3f} bits per pixel, {RAW_BITS / header.bpp:.0f} times smaller than 24-bit RGB. Written at "
        f"quality {header.quality:.2f} by “{escape(header.model_name)}” (weights {escape(header.model_hash)}), stream "
        f"version {header.version}; the original’s grain was {header.grain:.1f} grey levels. Its checksum is right.</p>"
    )


def progress(text: str, done: int = 0, total: int = 0) -> str:
    """A line with a bar; without a ``total`` the bar only says that something is going on."""
    share = f' value="{done}" max="{total}"' if total else ""
    return f'<p>{escape(text)}</p><progress aria-label="Progress"{share}></progress>'


def steps_text(steps: int) -> str:
    return f"{steps} step" if steps == 1 else f"{steps} steps"


def sentence(text: str) -> str:
    """A status line."""
    return f"<p>{escape(text)}</p>"


def captions_html(
    left: str,
    right: str,
    box: tuple[float, ...] | None = None,
    size: tuple[int, int] | None = None,
    query: str | None = None,
    press: str = "",
    legend: str = "",
) -> str:
    """What stands on either side of the slider, and notes for the page's script.

    Args:
        box: the worst region: left, top, width and height as fractions of the picture.
        size: width and height of the pictures, of which previews may be shown.
        query: the address of this view; empty where a view has none, None where there is no view yet.
        press: the hidden button to press next, and whatever makes this request differ from the one before.
        legend: what lies over the pictures, as HTML.
    """
    notes = {
        "box": ",".join(f"{share:.4f}" for share in box) if box else None,
        "size": ",".join(map(str, size)) if size else None,
        "query": query,
        "press": press,
    }
    data = "".join(f' data-{name}="{escape(note)}"' for name, note in notes.items() if note is not None)
    return f'<span class="left"{data}>{escape(left)}</span><span class="right">{escape(right)}</span>{legend}'


def legend_html(header: StreamHeader, qualities: Float64 | None) -> str:
    """What the overlay of a quality map means, as HTML."""
    if qualities is None:
        text = f"This stream has an even map: quality {header.quality:.2f} everywhere."
        return f'<span class="legend">{text}</span>'
    return (
        '<span class="legend">Fewer bits <i class="scale"></i> more bits. The stream says: '
        f"quality {qualities.min():.2f} to {qualities.max():.2f}.</span>"
    )
