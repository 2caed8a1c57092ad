"""Target and features can be changed later: edits stay, and nothing of the old answer is left behind."""

import itertools
import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import choices, copier, feature_sets, files, run

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
FEATURE_PAIRS = list(itertools.permutations(feature_sets(), 2))
OFTEN = [([], feature_sets()[-1]), (feature_sets()[-1], feature_sets()[1])]
"""Changes of mind that the fast tier tries: all at once, and all but one given up."""


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


def fresh(released: Path, folder: Path, answer: str) -> Path:
    """Render a project as somebody would who gives this answer from the start."""
    copier("copy", "-q", "--defaults", "-d", answer, released, folder, cwd=folder.parent)
    return folder


def names(project: Path) -> set[str]:
    """Give the paths of a project's files."""
    return {path.relative_to(project).as_posix() for path in files(project)}


def change_of_mind(before: str, after: str, released: Path, tmp_path: Path) -> Path:
    """Change an answer of an edited project, and hold the result against a fresh one with the same edits."""
    project, expected = fresh(released, tmp_path / "app", before), fresh(released, tmp_path / "expected", after)
    for name, (old, new) in EDITS.items():
        text = (project / name).read_text(encoding="utf-8")
        assert old in text, name
        (project / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    (project / OWN_FILE).parent.mkdir(exist_ok=True)
    (project / OWN_FILE).write_text("Ours.\n", encoding="utf-8")
    run("git", "init", "-q", cwd=project)
    commit(project, "Ours")

    copier("update", "-q", "--defaults", "-d", after, cwd=project)

    assert names(project) == names(expected) | {OWN_FILE}
    for name in names(expected) - {".copier-answers.yml"}:
        old, new = EDITS.get(name, ("", ""))
        text = (expected / name).read_text(encoding="utf-8")
        assert (project / name).read_text(encoding="utf-8") == text.replace(old, new, 1), name
    assert not run("git", "ls-files", "-u", cwd=project).stdout
    return project


def answers_of(project: Path) -> dict[str, object]:
    """Read what Copier has recorded."""
    return yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=lambda target: target)
def test_another_target_brings_its_files_and_takes_the_old_ones_away(
    before: str, after: str, released: Path, tmp_path: Path
) -> None:
    project = change_of_mind(f"deploy_target={before}", f"deploy_target={after}", released, tmp_path)
    assert answers_of(project)["deploy_target"] == after


@pytest.mark.parametrize(
    ("before", "after"),
    [pytest.param(*pair, marks=() if pair in OFTEN else pytest.mark.slow) for pair in FEATURE_PAIRS],
    ids=lambda names: "+".join(names) or "none",
)
def test_features_come_and_go_with_all_that_is_theirs(
    before: list[str], after: list[str], released: Path, tmp_path: Path
) -> None:
    project = change_of_mind(f"features={before}", f"features={after}", released, tmp_path)
    assert answers_of(project)["features"] == after


def test_the_order_of_features_does_not_matter(released: Path, tmp_path: Path) -> None:
    forwards, backwards = feature_sets()[-1], feature_sets()[-1][::-1]
    one, other = (
        fresh(released, tmp_path / folder, f"features={each}") for folder, each in (("a", forwards), ("b", backwards))
    )
    for path in files(one):
        same = other / path.relative_to(one)
        assert path.read_text(encoding="utf-8") == same.read_text(encoding="utf-8"), same
