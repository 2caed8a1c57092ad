"""The target can be changed later: edits stay, and nothing of the old target is left behind."""

import itertools
import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import choices, copier, files, run

EDITS = {
    "app.py": ("import utils", "# Ours: a line at the top of the page.\nimport utils"),
    "services/model.py": ("\n\n\n", "\n\nOURS = 'kept'\n\n\n"),
    "README.md": ("## Run it\n", "Ask Ada before you change anything.\n\n## Run it\n"),
    ".env.example": ("# Looks\n", "# OUR_SETTING=1\n\n# Looks\n"),
    "pyproject.toml": ('version = "0.1.0"', 'version = "7.8.9"'),
}
"""What a team changed: in its own files, in those that the template writes, and a file of its own below."""
OWN_FILE = "docs/own.md"
PAIRS = list(itertools.permutations(choices("deploy_target"), 2))


def commit(folder: Path, message: str) -> None:
    """Keep everything in git."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
    run("git", "add", "-A", cwd=folder)
    run("git", *who, "commit", "-q", "-m", message, cwd=folder)


@pytest.fixture(scope="module")
def released(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the template as a repository with a commit: updates need one."""
    repository = tmp_path_factory.mktemp("released") / "template"
    shutil.copytree(template, repository)
    run("git", "init", "-q", cwd=repository)
    commit(repository, "A version")
    return repository


def fresh(released: Path, folder: Path, target: str) -> Path:
    """Render a project as somebody would who wants this target from the start."""
    copier("copy", "-q", "--defaults", "-d", f"deploy_target={target}", released, folder, cwd=folder.parent)
    return folder


def names(project: Path) -> set[str]:
    """Give the paths of a project's files."""
    return {path.relative_to(project).as_posix() for path in files(project)}


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=lambda target: target)
def test_another_target_brings_its_files_and_takes_the_old_ones_away(
    before: str, after: str, released: Path, tmp_path: Path
) -> None:
    project, expected = fresh(released, tmp_path / "app", before), fresh(released, tmp_path / "expected", after)
    for name, (old, new) in EDITS.items():
        text = (project / name).read_text(encoding="utf-8")
        assert old in text, name
        (project / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    (project / OWN_FILE).parent.mkdir(exist_ok=True)
    (project / OWN_FILE).write_text("Ours.\n", encoding="utf-8")
    run("git", "init", "-q", cwd=project)
    commit(project, "Ours")

    copier("update", "-q", "--defaults", "-d", f"deploy_target={after}", cwd=project)

    assert names(project) == names(expected) | {OWN_FILE}
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert answers["deploy_target"] == after
    for name in names(expected) - {".copier-answers.yml"}:
        old, new = EDITS.get(name, ("", ""))
        text = (expected / name).read_text(encoding="utf-8")
        assert (project / name).read_text(encoding="utf-8") == text.replace(old, new, 1), name
    assert not run("git", "ls-files", "-u", cwd=project).stdout
