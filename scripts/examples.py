"""Render every preset into `examples/`: `uv run python -m scripts.examples`."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ANSWERS_FILE = ".copier-answers.yml"


def render_examples(destination: Path) -> list[Path]:
    """Render each preset into a folder of its name, and give the folders.

    The answers file is left out: it names the folder and the commit that it was rendered from.
    """
    projects: list[Path] = []
    for preset in sorted((ROOT / "presets").glob("*.yml")):
        project = destination / preset.stem
        shutil.rmtree(project, ignore_errors=True)
        command = ["copier", "copy", "--quiet", "--defaults", "--data-file", preset, "--vcs-ref", "HEAD", ROOT, project]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603 (fixed arguments)
        (project / ANSWERS_FILE).unlink()
        projects.append(project)
    return projects


if __name__ == "__main__":
    render_examples(ROOT / "examples")
