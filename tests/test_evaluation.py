"""The measuring programs: rows are complete, an interrupted run continues, damage is counted."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.codec import Codec
from pipeline.evaluation import quality
from pipeline.metrics import Scores, psnr
from pipeline.settings import Decoder, DecodeSettings
from tests.conftest import synthetic_picture


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{index}.png" for index in range(2)]
    for index, path in enumerate(paths):
        synthetic_picture(96, 64, index).save(path)
    return paths


@pytest.fixture(autouse=True)
def without_backbones(monkeypatch: pytest.MonkeyPatch) -> None:
    def scores(original: np.ndarray, picture: np.ndarray) -> Scores:
        return Scores(psnr(original, picture), 0.9, 0.1)

    monkeypatch.setattr(quality, "measure", scores)
    monkeypatch.setattr(quality, "patch_features", lambda picture: torch.from_numpy(picture[::9, ::9, 0].astype("f4")))


def test_rows_and_resumption(codec: Codec, pictures: list[Path], tmp_path: Path) -> None:
    settings = DecodeSettings(Decoder.FLOW, quality.MANY_STEPS, 0.5)
    methods = quality.sketch_methods() | quality.repaint_methods([settings])
    out = tmp_path / "rows.json"
    first = next(quality.evaluate(codec, pictures, [0.5], methods, out))
    rows = {row.method: row for row in quality.evaluate(codec, pictures, [0.5], methods, out)}
    assert first.method not in rows and len(rows) == len(methods) - 1
    saved = json.loads(out.read_text())["rows"]
    assert [row["method"] for row in saved] == list(methods)
    painted, control = (
        rows[quality.settings_label(settings)],
        rows[f"grain at the PSNR of {quality.settings_label(settings)}"],
    )
    assert control.psnr == pytest.approx(painted.psnr, abs=0.05)
    assert painted.bpp == rows["autoencoder"].bpp <= 0.5


def test_rows_of_other_weights_are_not_kept(codec: Codec, pictures: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    methods = {"autoencoder": quality.autoencoder}
    assert len(list(quality.evaluate(codec, pictures, [0.5], methods, out))) == 1
    assert not list(quality.evaluate(codec, pictures, [0.5], methods, out))
    state = json.loads(out.read_text())
    state["weights"]["autoencoder"] = "other"
    out.write_text(json.dumps(state))
    assert len(list(quality.evaluate(codec, pictures, [0.5], methods, out))) == 1
