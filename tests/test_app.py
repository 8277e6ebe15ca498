"""The page through its API, as `gradio_client` sees it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import psutil
import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import app
from pipeline.comparison.baselines import add_grain, encode_plain
from pipeline.images import load_image
from pipeline.metrics import lpips_name, measure, psnr
from pipeline.settings import Allocation, DecodeSettings
from pipeline.stream import bits_per_pixel
from pipeline.ui import files
from pipeline.ui.files import RunFolder, file_stem
from pipeline.ui.report import NO_LPIPS, Method, Report, header_in_words

if TYPE_CHECKING:
    from pipeline.codec import Codec
    from tests.app_fixtures import BlockedApp, ServedApp

pytest_plugins = ["tests.app_fixtures"]


class Answer(NamedTuple):
    """What ``/compress`` and ``/decompress`` return."""

    seed: int
    pictures: list[str]
    numbers: dict
    stream_file: str
    picture_file: str


@pytest.fixture
def client(served: "ServedApp") -> Client:
    """A fresh session."""
    return Client(served.url, verbose=False)


def compress(client: Client, photo: Path, **settings) -> Answer:
    defaults = {"rate": "quality", "quality": 0.3, "steps": 1, "noise": 0.5, "seed": 0, "quality_map": "even"}
    return Answer(*client.predict(handle_file(str(photo)), **(defaults | settings), api_name="/compress"))


def pixels(path: str | Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_the_page_remembers_so_many_visitors_and_no_more(codec: "Codec") -> None:
    page = app.build_app(lambda: codec)
    app.launch(page, server_name="127.0.0.1", server_port=app.free_port(), prevent_thread_lock=True, quiet=True)
    for visitor in range(app.SESSIONS_KEPT + 20):
        page.state_holder[f"visitor {visitor}"]
    assert len(page.state_holder.session_data) == app.SESSIONS_KEPT
    page.close(verbose=False)


# -- what a run returns -------------------------------------------------------------------------------------------


def test_numbers_are_those_of_the_real_stream(client: Client, served: "ServedApp", photo: Path):
    image = load_image(photo)
    answer = compress(client, photo, steps=2)
    stream = Path(answer.stream_file).read_bytes()
    assert stream == served.codec.encode(image, quality=0.3)
    assert Path(answer.stream_file).name == "cut.bbr"
    numbers = answer.numbers
    assert (numbers["width"], numbers["height"], numbers["bytes"]) == (*image.size, len(stream))
    assert numbers["bpp"] == bits_per_pixel(stream) == 8 * len(stream) / (image.width * image.height)
    assert numbers["ratio"] == pytest.approx(3 * image.width * image.height / len(stream))
    assert numbers["lpips_network"] == lpips_name()
    scores = numbers["methods"]
    assert list(scores) == ["autoencoder", "grain", "repaint", "avif"]
    assert scores["autoencoder"]["psnr"] == measure(np.asarray(image), served.codec.reconstruct(stream)).psnr
    assert scores["grain"]["psnr"] == pytest.approx(scores["repaint"]["psnr"], abs=0.05)


@pytest.mark.parametrize("decoder", ["diffusion", "flow"])
def test_served_pictures_are_the_decoders_bit_for_bit(client: Client, served: "ServedApp", photo: Path, decoder: str):
    answer = compress(client, photo, decoder=decoder, steps=2, seed=7)
    records = list(
        served.codec.decode(Path(answer.stream_file).read_bytes(), DecodeSettings(decoder, 2, noise_level=0.5, seed=7))
    )
    average, repaint = records[0].image, records[-1].image
    np.testing.assert_array_equal(pixels(answer.pictures[1]), repaint)
    np.testing.assert_array_equal(pixels(answer.picture_file), repaint)
    sent, _ = client.predict("Autoencoder", "Repaint", api_name="/show")
    np.testing.assert_array_equal(pixels(sent), average)
    original, grain = (pixels(path) for path in client.predict("Original", "Grain", api_name="/show"))
    np.testing.assert_array_equal(original, np.asarray(load_image(photo)))
    noise = grain.astype(float) - average
    assert abs(noise.mean()) < 0.5
    assert np.corrcoef(noise.ravel(), (add_grain(average, 9, 7) - 1.0 * average).ravel())[0, 1] > 0.5


def test_every_sampling_step_is_shown(client: Client, photo: Path):
    job = client.submit(handle_file(str(photo)), steps=3, api_name="/compress")
    job.result()
    pairs = [part for output in job.outputs() for part in output if isinstance(part, list | tuple)]
    previews = [Path(pair[1]).name for pair in pairs]
    assert list(dict.fromkeys(previews)) == [*(f"step-{number}.png" for number in range(3)), "cut-repaint.png"]


def test_noise_zero_is_the_autoencoder_exactly(client: Client, photo: Path):
    compress(client, photo, noise=0)
    left, right = client.predict("Autoencoder", "Repaint", api_name="/show")
    np.testing.assert_array_equal(pixels(left), pixels(right))


def test_target_bitrate_is_kept(client: Client, photo: Path):
    assert 0.3 < compress(client, photo, rate="bpp", bpp=0.5).numbers["bpp"] <= 0.5


def test_empty_seed_is_drawn_and_written_back(client: Client, photo: Path):
    answers = [compress(client, photo, seed=None) for _ in range(2)]
    assert answers[0].seed == answers[0].numbers["seed"] != answers[1].seed
    again = compress(client, photo, seed=answers[0].seed)
    np.testing.assert_array_equal(pixels(again.picture_file), pixels(answers[0].picture_file))


def test_decoder_settings_do_not_encode_again(client: Client, served: "ServedApp", photo: Path):
    before = served.codec.encodes
    streams = {
        Path(compress(client, photo, quality=0.41, **settings).stream_file).read_bytes()
        for settings in ({}, {}, {"decoder": "flow"}, {"steps": 2}, {"noise": 1.0}, {"seed": 3})
    }
    assert len(streams) == 1
    assert served.codec.encodes == before + 1
    compress(client, photo, quality=0.42)
    assert served.codec.encodes == before + 2


def test_clients_at_once_get_the_same_bytes(served: "ServedApp", photo: Path):
    def run(_: int) -> tuple[bytes, bytes]:
        answer = compress(Client(served.url, verbose=False), photo)
        return Path(answer.stream_file).read_bytes(), pixels(answer.picture_file).tobytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(run, range(8)))) == 1


def test_a_full_queue_is_said_and_the_rest_is_answered(blocked: "BlockedApp", photo: Path):
    client = Client(blocked.url, verbose=False)
    settings = {"rate": "quality", "quality": 0.3, "steps": 1}
    with ThreadPoolExecutor(8) as pool:
        jobs = [client.submit(handle_file(str(photo)), **settings, api_name="/compress") for _ in range(8)]
        blocked.wait_for_queue()
        blocked.release()
        errors = list(pool.map(lambda job: job.exception(timeout=120), jobs))
    refused = [error for error in errors if error]
    assert 0 < len(refused) < 8
    assert all("queue is full" in str(error).lower() for error in refused)


def test_forty_requests_end_with_a_result_or_a_full_queue(served: "ServedApp", photo: Path):
    client = Client(served.url, verbose=False)
    settings = {"rate": "quality", "quality": 0.3, "steps": 1}
    jobs = [client.submit(handle_file(str(photo)), **settings, api_name="/compress") for _ in range(40)]
    with ThreadPoolExecutor(40) as pool:
        errors = list(pool.map(lambda job: job.exception(timeout=300), jobs))
    assert sum(error is None for error in errors) >= 16
    assert all("queue is full" in str(error).lower() for error in errors if error)
    assert all(Answer(*job.result()).numbers["bytes"] for job, error in zip(jobs, errors, strict=True) if not error)


def test_the_ultra_low_codec_is_a_rate_like_any_other(client: Client, served: "ServedApp", photo: Path):
    answer = compress(client, photo, rate="ultralow", ultralow=0.05, noise=1.0)
    stream = Path(answer.stream_file).read_bytes()
    assert stream == served.codec.encode(load_image(photo), bpp=0.05, codec="ultralow")
    *_, last = served.codec.decode(stream, DecodeSettings("diffusion", 1, 1.0))
    np.testing.assert_array_equal(pixels(answer.picture_file), last.image)


def test_a_mask_file_says_where_the_bits_go(client: Client, served: "ServedApp", photo: Path, tmp_path: Path):
    image = load_image(photo)
    mask = Image.new("L", image.size)
    mask.paste(255, (0, 0, 88, 168))
    mask.save(tmp_path / "mask.png")
    answer = compress(client, photo, quality_map="painted", mask=handle_file(str(tmp_path / "mask.png")))
    expected = served.codec.encode(image, quality=0.3, allocation=Allocation("painted", mask))
    assert Path(answer.stream_file).read_bytes() == expected


def test_bad_masks_get_a_sentence(client: Client, photo: Path, tmp_path: Path):
    Image.new("L", (64, 8), 255).save(tmp_path / "flat.png")
    (tmp_path / "text.png").write_text("not a picture")
    for name, reason in ("flat.png", "shape of the picture"), ("text.png", "not a picture"):
        with pytest.raises(AppError, match=reason):
            compress(client, photo, quality_map="painted", mask=handle_file(str(tmp_path / name)))


def test_identical_batches_leave_nothing_more_behind(served: "ServedApp", photo: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "KEPT_BYTES", 1_000_000)
    cache = Path(get_upload_folder())

    def batch() -> tuple[int, int]:
        for seed in range(3):
            compress(Client(served.url, verbose=False), photo, seed=seed)
        return sum(1 for _ in cache.glob("bitbrush-*/*")), psutil.Process().memory_info().rss

    batch()
    (before, held), (after, grown) = batch(), batch()
    assert after <= before + 2
    assert grown - held < 30e6


# -- every method -------------------------------------------------------------------------------------------------


def test_compare_puts_every_method_into_the_same_bytes(client: Client, served: "ServedApp", photo: Path):
    settings = {"rate": "quality", "quality": 0.5, "steps": 1, "quality_map": "even"}
    sheet, numbers = client.predict(handle_file(str(photo)), **settings, api_name="/compare")
    stream = served.codec.encode(load_image(photo), quality=0.5)
    scores = numbers["methods"]
    plain = ["jpeg", "webp", "avif", "jpeg xl"]
    assert list(scores) == ["autoencoder", "grain", "repaint", "other decoder", *plain, "ultra-low"]
    assert all(0 < score["bytes"] <= len(stream) for score in scores.values())
    plain = encode_plain(load_image(photo), "webp", len(stream))
    assert scores["webp"]["bytes"] == len(plain.data)
    assert scores["webp"]["psnr"] == psnr(np.asarray(load_image(photo)), plain.image)
    assert Path(sheet).name == "cut-methods.png"
    assert Image.open(sheet).width > 3 * 6 * 96


# -- pictures of every kind ---------------------------------------------------------------------------------------


def small(mode: str = "RGB") -> Image.Image:
    ramp = np.linspace(0, 255, 40 * 24 * 3).reshape(24, 40, 3).astype(np.uint8)
    return Image.fromarray(ramp).convert(mode)


def save_rotated(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    small().save(path, exif=exif)


def save_16_bit(path: Path) -> None:
    Image.fromarray((np.arange(24 * 40, dtype=np.uint16) * 60).reshape(24, 40)).save(path)


def save_palette_with_alpha(path: Path) -> None:
    image = small().quantize(16)
    image.save(path, transparency=bytes(range(0, 256, 16)))


def save_animation(path: Path) -> None:
    frames = [Image.new("RGB", (40, 24), colour) for colour in ("red", "green", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])


PICTURES: dict[str, tuple[Callable[[Path], None], tuple[int, int]]] = {
    "cmyk.jpg": (lambda path: small("CMYK").save(path), (40, 24)),
    "deep.png": (save_16_bit, (40, 24)),
    "palette.png": (save_palette_with_alpha, (40, 24)),
    "alpha.png": (lambda path: small("RGBA").save(path), (40, 24)),
    "rotated.jpg": (save_rotated, (24, 40)),
    "animated.gif": (save_animation, (40, 24)),
    "grey.png": (lambda path: small("L").save(path), (40, 24)),
    "pixel.png": (lambda path: Image.new("RGB", (1, 1), "teal").save(path), (1, 1)),
    "wrong-suffix.jpg": (lambda path: small().save(path, format="PNG"), (40, 24)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_every_kind(client: Client, tmp_path: Path, name: str):
    write, size = PICTURES[name]
    write(tmp_path / name)
    answer = compress(client, tmp_path / name)
    assert (answer.numbers["width"], answer.numbers["height"]) == size
    original, _ = client.predict("Original", "Repaint", api_name="/show")
    np.testing.assert_array_equal(pixels(original), np.asarray(load_image(tmp_path / name)))
    assert pixels(answer.picture_file).shape == (size[1], size[0], 3)


def test_first_frame_of_an_animation(client: Client, tmp_path: Path):
    save_animation(tmp_path / "animated.gif")
    compress(client, tmp_path / "animated.gif")
    original, _ = client.predict("Original", "Repaint", api_name="/show")
    assert (pixels(original) == (255, 0, 0)).all()


# -- what is refused ----------------------------------------------------------------------------------------------


def save_200_megapixels(path: Path) -> None:
    Image.new("1", (20_000, 10_000)).save(path)


def save_truncated(path: Path) -> None:
    small().save(path)
    path.write_bytes(path.read_bytes()[:-200])


BAD_PHOTOS: dict[str, tuple[Callable[[Path], None], str]] = {
    "empty.png": (lambda path: path.touch(), "The file is empty"),
    "text.png": (lambda path: path.write_text("not a picture"), "not a picture"),
    "huge.png": (save_200_megapixels, "24 megapixels"),
    "truncated.png": (save_truncated, "damaged|cannot be read"),
}


@pytest.mark.parametrize("name", BAD_PHOTOS)
def test_bad_photos_get_a_sentence(client: Client, tmp_path: Path, name: str):
    write, reason = BAD_PHOTOS[name]
    write(tmp_path / name)
    with pytest.raises(AppError, match=reason):
        compress(client, tmp_path / name)


def test_no_photo_gets_a_sentence(client: Client):
    with pytest.raises(AppError, match="upload one or pick an example"):
        client.predict(None, api_name="/compress")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda stream: b"", "does not begin"),
        (lambda stream: b"not a stream", "does not begin"),
        (lambda stream: stream[:-1], "get the file again"),
        (lambda stream: stream[:10], "cut off"),
        (lambda stream: stream[:-1] + bytes([stream[-1] ^ 1]), "damaged"),
    ],
)
def test_bad_streams_get_a_sentence(
    client: Client, served: "ServedApp", tmp_path: Path, damage: Callable[[bytes], bytes], reason: str
):
    path = tmp_path / "bad.bbr"
    path.write_bytes(damage(served.codec.encode(small(), quality=0.3)))
    with pytest.raises(AppError, match=reason):
        client.predict(handle_file(str(path)), steps=1, api_name="/decompress")


def test_no_stream_gets_a_sentence(client: Client):
    with pytest.raises(AppError, match=r"upload a \.bbr file"):
        client.predict(None, api_name="/decompress")


# -- a stream on its own ------------------------------------------------------------------------------------------


def test_downloaded_stream_decodes_to_the_same_picture(client: Client, photo: Path):
    sent = compress(client, photo, decoder="flow", steps=2, seed=5)
    settings = {"decoder": "flow", "steps": 2, "noise": 0.5, "seed": 5}
    got = Answer(*client.predict(handle_file(sent.stream_file), **settings, api_name="/decompress"))
    np.testing.assert_array_equal(pixels(got.picture_file), pixels(sent.picture_file))
    assert Path(got.stream_file).read_bytes() == Path(sent.stream_file).read_bytes()
    assert got.numbers["methods"] == {}
    assert got.numbers["bpp"] == sent.numbers["bpp"]
    left, right = client.predict("Original", "Repaint", api_name="/show")
    np.testing.assert_array_equal(pixels(left), pixels(got.pictures[0]))
    np.testing.assert_array_equal(pixels(right), pixels(got.picture_file))


# -- parts --------------------------------------------------------------------------------------------------------


def test_report_says_when_there_is_no_lpips(served: "ServedApp"):
    from pipeline.metrics import Scores
    from pipeline.stream import read_header

    header = read_header(served.codec.encode(small(), quality=0.3))
    method = Method("autoencoder", "A <b>", Scores(float("inf"), None, None), bytes=header.total_bytes)
    report = Report(header, 1, "cpu", methods=(method,))
    assert NO_LPIPS in report.html() and "∞" in report.html() and "A &lt;b&gt;" in report.html()
    scores = report.numbers()["methods"]["autoencoder"]
    assert (scores["bpp"], scores["psnr"], scores["ms_ssim"], scores["lpips"]) == (header.bpp, None, None, None)
    assert "40 × 24" in header_in_words(header)


def test_run_folders_keep_few_previews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    folder, now = RunFolder(), [0.0]
    monkeypatch.setattr("pipeline.ui.files.time.monotonic", lambda: now[0])
    paths = [Path(folder.step(number, np.zeros((2000, 1500, 3), np.uint8))) for number in range(9)]
    assert all(path.exists() for path in paths)  # a browser may still ask for them
    now[0] = 60.0
    paths.append(Path(folder.step(9, np.zeros((2000, 1500, 3), np.uint8))))
    assert [path.exists() for path in paths] == [False] * 2 + [True] * 8
    assert pixels(paths[-1]).shape == (1000, 750, 3)


@pytest.mark.parametrize(
    ("name", "stem"), [("/tmp/My photo (1).JPG", "My-photo-1"), ("../..", "x"), (None, "x"), ("ü" * 99, "ü" * 40)]
)
def test_file_stem(name: str | None, stem: str):
    assert file_stem(name, "x") == stem
