"""The tab that explains the page."""

from pathlib import Path

_FIGURES = Path(__file__).resolve().parents[2] / "assets" / "figures"
_TEXT = """<p>The <b>autoencoder</b> is trained for mean squared error and nothing else. Its bytes hold what can be
known for certain, so its picture is the average of everything that would have given the same bytes: right on the
whole, and smooth wherever detail did not fit.</p>
<p>The <b>quality map</b> says where in the picture the bits go. An adaptive one gives more to gentle texture, such as
skin, sky and water, and less to busy texture, which hides errors; a painted one gives more to what you brush over. The
stream holds the map, in at most a hundredth of its bytes, and the whole stays as large as it was.</p>
<p>The <b>decoder</b>, diffusion or rectified flow, has learned what detail looks like. It starts from that average
plus some noise and walks back to a sharp picture, in one step unless told otherwise. It reads the same bytes and adds
none: <b>what it paints is generated, not transmitted.</b> Another seed paints other detail.</p>
<p>The <b>noise level</b> says how far to go. At 0 the picture is the average itself and has the best PSNR; towards 1 it
looks most real and is least faithful. No setting has both: that is the perception–distortion trade-off. As only fine
detail is missing, diffusion's noise schedule is shifted towards little noise, the opposite of text-to-image, which has
to begin with the structure of the whole.</p>
<p>The <b>grain control</b> is the test every such decoder has to pass: the autoencoder's picture with plain noise that
costs the same PSNR. A repaint is worth its time only where it looks better than that.</p>"""
_ULTRALOW_TITLE = "<h2>The ultra-low codec</h2>"
_ULTRALOW_TEXT = """<p>Below 0.03 bits per pixel, a few hundred bytes for a photo, even the average is hardly a
picture. Here three frozen encoders look at the photo: a <b>VAE</b>, an encoder made for <b>distortion</b>, and one
that knows what pictures <b>show</b>. Their features are fused and squeezed into the stream. The decoder makes a
<b>coarse picture</b> and two kinds of features of it, pixels and semantics, and these guide a <b>latent diffusion</b>
model that paints the rest in the VAE's space. More of this picture is generated than sent.</p>"""

_CREDITS = """<h2>The example photographs</h2>
<p>Cat: Stéfan van der Walt (CC0). Coffee: Rachel Michetti (CC0). Astronaut: NASA; rocket: SpaceX (public domain).
Temple: <a href="https://www.flickr.com/photos/danielbuechele/6061409035">danielbuechele</a> and flower:
<a href="https://www.flickr.com/photos/vultilion/6056698931">vultilion</a>, both
<a href="https://creativecommons.org/licenses/by/2.0/">CC BY 2.0</a>, shown here compressed, and in parts.</p>"""


def how_it_works() -> str:
    """Figures and text, as HTML; a figure has a layout for wide and one for narrow pages."""
    return f"{_figure('pipeline')}{_TEXT}{_ULTRALOW_TITLE}{_figure('ultralow')}{_ULTRALOW_TEXT}{_CREDITS}"


def _figure(name: str) -> str:
    return "".join(
        f'<div class="{layout}">{(_FIGURES / f"{name}-{layout}.svg").read_text(encoding="utf-8")}</div>'
        for layout in ("wide", "tall")
    )
