"""``python -m pipeline verify``: says what differs, and only then."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import conformance
from pipeline.cli import app
from pipeline.codec import Codec
from pipeline.errors import StreamError
from pipeline.stream import read_header


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small ones of the conformance streams."""
    manifest = json.loads((conformance.FOLDER / "manifest.json").read_text())
    streams = {name: recorded for name, recorded in manifest["streams"].items() if max(recorded["size"]) <= 64}
    for name in streams:
        shutil.copy(conformance.FOLDER / name, tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"streams": streams}))
    return tmp_path


def _change(folder: Path, name: str, **changes) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["streams"][name] |= changes
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _differences(codec: Codec, folder: Path) -> dict[str, list[str]]:
    return {verdict.name: verdict.differences for verdict in conformance.verify(codec, folder)}


def test_streams_decode_as_recorded(codec: Codec, folder: Path) -> None:
    differences = _differences(codec, folder)
    assert len(differences) == 3 and not any(differences.values())


def test_all_ten_are_there() -> None:
    streams = json.loads((conformance.FOLDER / "manifest.json").read_text())["streams"]
    headers = {name: read_header((conformance.FOLDER / name).read_bytes()) for name in streams}
    assert len(headers) == 10 and {header.model_name for header in headers.values()} == {"autoencoder", "ultralow"}
    assert {(1, 1), (1600, 1200)} <= {(header.width, header.height) for header in headers.values()}
    assert {0, 4096} <= {header.quality_code for header in headers.values()}
    assert sum(path.stat().st_size for path in conformance.FOLDER.iterdir() if path.is_file()) < 600_000


def test_what_differs_is_named(codec: Codec, folder: Path) -> None:
    name = "standard-64x64-q100.bbr"
    detail = json.loads((folder / "manifest.json").read_text())["streams"][name]["detail"]
    _change(folder, name, latent="0" * 64, detail=[value + 1 for value in detail])
    (folder / "standard-1x1-q0.bbr").write_bytes((folder / name).read_bytes())
    (folder / "ultralow-1x1-q100.bbr").write_bytes(b"BBR")
    differences = _differences(codec, folder)
    assert differences[name] == ["the latent differs", "the picture's detail differ by 1.00 grey levels"]
    assert "the size is (64, 64), not (1, 1)" in differences["standard-1x1-q0.bbr"]
    assert "cut off" in differences["ultralow-1x1-q100.bbr"][0]


def test_other_weights_are_a_typed_error(codec: Codec, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["weights"]["ultralow"] = "0badf00d"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StreamError, match=r"other weights .ultralow 0badf00d"):
        list(conformance.verify(codec, folder))


def test_exit_code(monkeypatch: pytest.MonkeyPatch, codec: Codec, folder: Path) -> None:
    monkeypatch.setattr("pipeline.cli.commands.load_codec", lambda *precision: codec)
    monkeypatch.setattr(conformance.verify, "__defaults__", (folder,))
    done = CliRunner().invoke(app, ["verify"])
    assert done.exit_code == 0 and done.output.count("agrees") == 3
    _change(folder, "standard-1x1-q0.bbr", latent="0" * 64)
    done = CliRunner().invoke(app, ["verify"])
    assert done.exit_code == 1 and "standard-1x1-q0.bbr: the latent differs" in done.output
