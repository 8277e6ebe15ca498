"""The container: what is in it, who runs it, and, where there is a docker engine, that it answers."""

import fnmatch
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from pipeline.ui.choices import EXAMPLES

ROOT = Path(__file__).parent.parent
LINES = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def _instructions(name: str) -> list[str]:
    return [line.removeprefix(f"{name} ").strip() for line in LINES if line.startswith(f"{name} ")]


def _sent(path: str) -> bool:
    """Whether docker sends a path to the engine: of all patterns that fit it or a folder above it the last counts."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!").removeprefix("**/")
            parts = [path, *map(str, Path(path).parents)]
            if any(fnmatch.fnmatchcase(part, pattern) and part.count("/") == pattern.count("/") for part in parts):
                ignored = not line.startswith("!")
    return not ignored


def test_it_runs_as_a_user_without_rights():
    assert _instructions("USER")[-1] not in ("root", "0")
    assert LINES.index(f"USER {_instructions('USER')[-1]}") < next(
        number for number, line in enumerate(LINES) if line.startswith("CMD ")
    )
    assert COMPOSE["services"]["page"]["cap_drop"] == ["ALL"]


def test_images_have_a_version():
    images = [*_instructions("FROM"), COMPOSE["services"]["proxy"]["image"]]
    for image in images:
        assert re.search(r":\d+\.\d+\.\d+", image), image


def test_the_python_is_that_of_the_front_matter():
    version = re.search(r'^python_version: "(.+)"$', (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert version and _instructions("FROM")[0].startswith(f"python:{version[1]}.")


def test_its_health_is_asked_for():
    assert "7860" in _instructions("HEALTHCHECK")[0]
    assert COMPOSE["services"]["proxy"]["depends_on"]["page"]["condition"] == "service_healthy"


def test_everything_that_the_page_reads_is_copied():
    copied = [source for line in _instructions("COPY") for source in line.split()[:-1]]
    needed = ["app.py", "pipeline/ui/page.js", "pipeline/ui/style.css", "checkpoints/painter/config.json"]
    needed += [str(path.relative_to(ROOT)) for path in EXAMPLES.values()]
    for path in needed:
        assert any(path == source or path.startswith(f"{source}/") for source in copied), path
    for source in copied:
        assert (ROOT / source).exists() and _sent(source), source


@pytest.mark.parametrize("path", [".git", "runs", "tests", ".venv", "out", "conformance", "README.md"])
def test_nothing_else_is_sent(path: str):
    assert not _sent(path) and not _sent(f"{path}/file")


def test_the_proxy_serves_the_path_that_the_page_is_told():
    path = COMPOSE["services"]["page"]["environment"]["GRADIO_ROOT_PATH"]
    assert f"handle_path {path}/*" in COMPOSE["configs"]["caddyfile"]["content"]


@pytest.mark.slow
def test_it_is_built_and_answers():
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True).returncode:
        pytest.skip("there is no docker engine here")
    compose = [docker, "compose", "--project-name", "bitbrush-test"]
    try:
        subprocess.run([*compose, "up", "--build", "--wait", "--wait-timeout", "300"], cwd=ROOT, check=True)
        page = ["python", "-c", "import urllib.request as u; u.urlopen('http://proxy/bitbrush/config')"]
        subprocess.run([*compose, "exec", "-T", "page", *page], cwd=ROOT, check=True)
    finally:
        subprocess.run([*compose, "down", "--volumes", "--rmi", "local"], cwd=ROOT, check=False)
