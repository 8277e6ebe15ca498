"""What a Space and a newcomer rely on: front matter, pinned versions, checkpoint sizes, pages that lead somewhere."""

import ast
import json
import re
from pathlib import Path

import gradio
import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "pipeline").rglob("*.py"))
PAGES = sorted(
    path.relative_to(ROOT)
    for pattern in (
        "*.md",
        "assets/**/*.md",
        "checkpoints/**/*.md",
        "docs/**/*.md",
        "pipeline/**/*.md",
        "tests/**/*.md",
    )
    for path in ROOT.glob(pattern)
)
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


@pytest.mark.parametrize("name", ["autoencoder", "diffusion", "flow", "lpips", "vae", "ultralow", "painter"])
def test_every_checkpoint_has_a_model_card(name: str) -> None:
    assert (ROOT / "checkpoints" / name / "README.md").read_text(encoding="utf-8").startswith("---\nlicense: mit\n")


def test_the_front_page_is_short_and_begins_with_usage() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 170
    assert lines.index("## Use") < 60 and any("python -m pipeline" in line for line in lines[:60])


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text):
        target, _, anchor = "".join(link).partition("#")
        if target.startswith("http"):
            continue
        file = (ROOT / page).parent / target if target else ROOT / page
        assert file.exists(), link
        assert not anchor or anchor in _anchors(file), link


def _names(body: list[ast.stmt], prefix: str = "") -> set[str]:
    """Functions, classes and constants of a module, those within classes as ``Class.name``; methods' attributes too."""
    found = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(prefix + node.name)
            if isinstance(node, ast.ClassDef):
                found |= _names(node.body, f"{prefix}{node.name}.")
                stored = (part for part in ast.walk(node) if isinstance(part, ast.Attribute))
                found |= {f"{prefix}{node.name}.{part.attr}" for part in stored if isinstance(part.ctx, ast.Store)}
        elif isinstance(node, ast.Assign):
            found |= {prefix + target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(prefix + node.target.id)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_files_are_utf8_whatever_the_locale(path: Path) -> None:
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            modes = {each.value for each in call.args if isinstance(each, ast.Constant)} & {"r", "w", "a", "x"}
            if call.func.attr in ("read_text", "write_text") or (call.func.attr == "open" and modes):
                assert "encoding" in {each.arg for each in call.keywords}, f"{path}:{call.lineno}"


def test_what_the_command_line_imports_is_there_on_windows() -> None:
    for path in MODULES:
        if path.name in ("scaling_worker.py", "measure.py"):  # programs of their own
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            assert not names & {"resource", "fcntl", "pwd", "termios"}, path


def test_the_glossary_names_what_is_there() -> None:
    text = (ROOT / "pipeline" / "README.md").read_text(encoding="utf-8")
    places = re.findall(r"`([\w/]+\.py):([\w.]+)`", text)
    assert len(places) > 50
    for file, name in places:
        module = ast.parse((ROOT / "pipeline" / file).read_text(encoding="utf-8"))
        assert name in _names(module.body), f"{file}:{name}"
