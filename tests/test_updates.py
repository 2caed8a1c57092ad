"""Promise 4: an update from any released version keeps every edit of a user."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from scripts.history import NEXT, preset_names, presets, releases
from scripts.updates import (
    EDITS,
    GONE,
    Verdict,
    case,
    edited,
    in_function,
    judge,
    render,
    texts,
    unmerged,
    update,
    with_dependency,
)
from tests.conftest import release, run, thorough

CASES = [(version, preset) for version in releases() for preset in preset_names(version)]
"""Every release with every preset that it had."""
TRIED_FIRST = [(version, preset) for version, preset in CASES if preset == "internal"]
"""In the fast tier: an app of several files, from every release."""
ONE_OF_EACH_APP = [
    pytest.param(version, preset, marks=thorough(is_one=(version, preset) != (CASES[0][0], "prototype")))
    for version, preset in CASES
    if preset in {"assistant", "internal", "prototype"}
]


def hold(verdict: Verdict) -> None:
    """No edit is lost, and conflicts are where both sides changed the same lines only."""
    assert not verdict.lost, "\n".join(verdict.lost)


@pytest.mark.parametrize(("version", "preset"), TRIED_FIRST)
def test_an_update_keeps_every_edit(version: str, preset: str, history: Path, tmp_path: Path) -> None:
    project, verdict = case(history, version, preset, tmp_path, NEXT)
    hold(verdict)
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert answers["_commit"] == NEXT
    assert not (project / GONE).exists()
    assert "ours = 'kept'" in (project / "app.py").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(("version", "preset"), [each for each in CASES if each not in TRIED_FIRST])
def test_an_update_of_any_preset_keeps_every_edit(version: str, preset: str, history: Path, tmp_path: Path) -> None:
    hold(case(history, version, preset, tmp_path, NEXT)[1])


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of one environment, which each project makes exactly its own."""
    return tmp_path_factory.mktemp("environment") / "venv"


@pytest.mark.slow
@pytest.mark.xdist_group("updates")
@pytest.mark.parametrize(("version", "preset"), ONE_OF_EACH_APP)
def test_an_updated_project_still_passes_its_tests(
    version: str, preset: str, history: Path, environment: Path, tmp_path: Path
) -> None:
    project, verdict = case(history, version, preset, tmp_path, NEXT)
    if verdict.conflicts:
        pytest.skip(f"{verdict.conflicts} conflicts wait for a person")
    own = {"UV_PROJECT_ENVIRONMENT": str(environment), "VIRTUAL_ENV": ""}
    result = run("uv", "run", "pytest", "-q", cwd=project, **own)
    assert re.search(r"\d+ passed", result.stdout)


@pytest.mark.parametrize("version", releases())
def test_every_release_brought_its_own_presets(version: str, history: Path) -> None:
    names = presets(history, version)
    assert names
    for text in names.values():
        assert {"project_name", "app_type", "deploy_target", "auth_mode"} <= yaml.safe_load(text).keys()


def test_the_edits_are_five_and_of_five_kinds() -> None:
    assert len(EDITS) == 5
    assert [name for name, edit in EDITS.items() if edit is None] == [GONE]
    handler = in_function(
        "def first() -> None:\n    pass\n\n\n@boundary\ndef click() -> None:\n    '''Go.'''\n    go()\n"
    )
    assert handler.endswith("    '''Go.'''\n    ours = 'kept'\n    go()\n")
    assert in_function("def only() -> None:\n    go()\n") == "def only() -> None:\n    ours = 'kept'\n    go()\n"
    assert with_dependency('x\ndependencies = [\n  "a",\n]\n').endswith('  "a",\n  "packaging>=24",\n]\n')


# The check itself: a template that loses an edit does not pass it.


def next_version(released: Path, folder: Path) -> Path:
    """Give a copy of the template whose next version the test writes and tags 2.0.0."""
    shutil.copytree(released, folder)
    return folder


def tried(repository: Path, folder: Path) -> Verdict:
    """Edit a project of version 1.0.0, update it to 2.0.0, and judge."""
    project = render(repository, folder / "app", "1.0.0", {"app_type": "interface"})
    old = texts(project)
    mine = texts(edited(project))
    update(project)
    new = texts(render(repository, folder / "expected", "2.0.0", {"app_type": "interface"}))
    verdict = judge(old, mine, new, texts(project), folder)
    assert len(unmerged(project)) == min(verdict.conflicts, 1)
    return verdict


@pytest.mark.slow
def test_a_template_that_renames_a_file_of_the_user_is_noticed(released: Path, tmp_path: Path) -> None:
    repository = next_version(released, tmp_path / "template")
    (repository / "template" / "app.py.jinja").rename(repository / "template" / "page.py.jinja")
    release(repository, "2.0.0")
    assert tried(repository, tmp_path).lost == ["app.py: the template has it no more, and the edit is gone"]


def test_a_line_that_both_sides_changed_is_a_conflict_and_no_loss(released: Path, tmp_path: Path) -> None:
    repository = next_version(released, tmp_path / "template")
    app = repository / "variants" / "app" / "interface" / "app.py.jinja"
    line = "        bitmaps = [bitmap_or_none(drawing) for drawing in drawings]\n"
    text = app.read_text(encoding="utf-8")
    app.write_text(text.replace(line, f"        # A new line of the template.\n{line}", 1), encoding="utf-8")
    assert app.read_text(encoding="utf-8") != text
    release(repository, "2.0.0")
    assert tried(repository, tmp_path) == Verdict(lost=[], conflicts=1)


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        ({"a": "1\nours\n", "new": "n\n"}, []),
        ({"a": "1\n", "new": "n\n"}, ["a: not what both sides made of it"]),
        ({"a": "1\nours\n", "b": "b\n", "new": "n\n"}, ["b: deleted, and back"]),
        ({"a": "1\nours\n", "c": "c\n", "new": "n\n"}, ["c: left behind"]),
        ({"a": "1\nours\n"}, ["new: not what both sides made of it"]),
    ],
    ids=["fine", "edit", "deleted file", "old file", "new file"],
)
def test_each_kind_of_loss_is_noticed(after: dict[str, str], lost: list[str], tmp_path: Path) -> None:
    old = {"a": "1\n", "b": "b\n", "c": "c\n"}
    mine = {"a": "1\nours\n", "c": "c\n"}
    new = {"a": "1\n", "b": "b 2\n", "new": "n\n"}
    assert judge(old, mine, new, after, tmp_path).lost == lost
