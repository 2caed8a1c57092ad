"""The committed examples equal a fresh render, so that they can be read and linked to."""

from pathlib import Path

from scripts.examples import render_examples
from tests.conftest import PRESETS, ROOT, files


def contents(folder: Path) -> dict[str, str]:
    """Read a tree."""
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files(folder)}


def test_the_examples_are_fresh(tmp_path: Path) -> None:
    folders = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir()}
    # That one is a repository to start from, which `test_overlay.py` builds.
    assert folders - {"organisation"} == set(PRESETS)
    for project in render_examples(tmp_path):
        fresh, committed = contents(project), contents(ROOT / "examples" / project.name)
        assert committed.keys() == fresh.keys(), "run: uv run python -m scripts.examples"
        for name, text in fresh.items():
            assert committed[name] == text, f"{project.name}/{name}: run: uv run python -m scripts.examples"
