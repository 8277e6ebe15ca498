"""What a Space and a newcomer rely on: front matter, pinned versions, checkpoint sizes."""

import json
import re
from pathlib import Path

import gradio
import pytest

ROOT = Path(__file__).parent.parent
REQUIRED = {"title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "license"}


def _front_matter() -> dict[str, str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    assert block, "README.md must begin with the Spaces front matter"
    return {key: value.strip().strip('"') for key, _, value in (line.partition(":") for line in block[1].split("\n"))}


def test_front_matter_matches_the_installed_gradio() -> None:
    fields = _front_matter()
    assert fields.keys() >= REQUIRED
    assert fields["sdk"] == "gradio" and fields["sdk_version"] == gradio.__version__
    assert (ROOT / fields["app_file"]).is_file()
    assert len(fields.get("short_description", "")) <= 60


def test_dependencies_are_pinned_except_torch() -> None:
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        assert "==" in line or line.startswith(("torch>=", "torchvision>=")), line


def test_checkpoints_are_small_and_safe() -> None:
    files = [path for path in (ROOT / "checkpoints").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".md"}
    assert sum(path.stat().st_size for path in files) <= 120e6
    assert all(path.stat().st_size <= 50e6 for path in files)


@pytest.mark.parametrize("name", ["autoencoder", "diffusion", "flow", "lpips", "vae", "ultralow", "painter"])
def test_every_checkpoint_says_how_it_was_trained(name: str) -> None:
    config = json.loads((ROOT / "checkpoints" / name / "training.json").read_text())
    assert config["steps"] > 0 and config["learning_rate"] > 0
