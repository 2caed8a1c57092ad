"""Every answer can be changed later: edits stay, and nothing of the old answer is left behind."""

import itertools
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scripts.history import git
from scripts.updates import (
    EDITS,
    GONE,
    START,
    Edit,
    Verdict,
    answers_of,
    edited,
    judge,
    marked,
    render,
    texts,
    unmerged,
    update,
)
from tests.conftest import QUESTIONS, Answers, choices, copier, feature_sets, files, thorough

OWN_FILES: dict[str, Edit | None] = {"docs/own.md": lambda _: "Ours.\n", "services/own.py": lambda _: "OURS = 1\n"}
"""Files that only the user has."""
MORE_EDITS: dict[str, Edit | None] = {
    ".env.example": lambda text: text.replace("# Looks\n", "# OUR_SETTING=1\n\n# Looks\n", 1)
}
STREAMING: Answers = {"app_type": "streaming"}
AXES: list[tuple[str, Answers]] = [
    ("app_type", {}),
    ("deploy_target", {}),
    ("auth_mode", {}),
    ("model", {"app_type": "chat"}),
    ("model", STREAMING),
    ("start_from", {"app_type": "interface"}),
    ("start_from", {"app_type": "chat"}),
    ("ci_provider", {}),
    ("updates", {}),
    ("features", {}),
]
"""What can be changed, and in which projects."""
IN_THE_FAST_TIER = {"app_type", "features"}
MAY_CONFLICT = {
    "app_type": EDITS.keys(),
    "deploy_target": set[str](),
    "auth_mode": {"pyproject.toml"},
    "model": {"pyproject.toml", "services/model.py"},
    "start_from": {"app.py", "pyproject.toml", "services/model.py"},
    "ci_provider": set(),
    "updates": set(),
    "features": {"pyproject.toml"},
}
"""Where both answers and user write the same lines: at the end of the dependencies, and where the model is made."""


class Change(NamedTuple):
    """One answer of a project, before and after."""

    axis: str
    answers: Answers
    before: str | list[str]
    after: str | list[str]


def values_of(axis: str) -> list[Any]:
    """Give what a question can be answered with, the default first; of several features none, each, and all."""
    return feature_sets() if QUESTIONS[axis].get("multiselect") else choices(axis)


def named(value: str | list[str]) -> str:
    """Name an answer for people."""
    return value if isinstance(value, str) else "+".join(value) or "none"


def pairs() -> list[Any]:
    """Every pair of values of every axis; few in the fast tier, from each value to the next in every run of the CI."""
    found: list[Any] = []
    for axis, answers in AXES:
        values = values_of(axis)
        for before, after in itertools.permutations(values, 2):
            fast = axis in IN_THE_FAST_TIER and (before, after) == (values[0], values[1]) and answers != STREAMING
            name = "-".join([axis, *answers.values(), named(before), named(after)])
            is_next = values.index(after) == (values.index(before) + 1) % len(values)
            marks = [] if fast else [pytest.mark.slow, *thorough(is_one=not is_next)]
            found.append(pytest.param(Change(axis, answers, before, after), id=name, marks=marks))
    return found


def change(project: Path, released: Path, axis: str, value: str | list[str], folder: Path) -> tuple[Verdict, set[str]]:
    """Change one answer of an edited project; give the verdict, and the files that are new in no render."""
    mine = texts(project)
    old = texts(render(released, folder / "old", "1.0.0", answers_of(project)))
    update(project, "-d", f"{axis}={value}")
    assert answers_of(project)[axis] == value
    new = texts(render(released, folder / "new", "1.0.0", answers_of(project)))
    after = texts(project)
    assert marked(after) == unmerged(project)
    return judge(old, mine, new, after, folder), after.keys() - new.keys()


@pytest.mark.parametrize("mind", pairs())
def test_another_answer_keeps_every_edit(mind: Change, released: Path, tmp_path: Path) -> None:
    before = render(released, tmp_path / "app", "1.0.0", mind.answers | {mind.axis: mind.before})
    project = edited(before, EDITS | MORE_EDITS | OWN_FILES)
    verdict, more = change(project, released, mind.axis, mind.after, tmp_path)
    assert not verdict.lost
    # What the old answer brought is gone, and what the user added is not.
    assert more == OWN_FILES.keys()
    assert not (project / GONE).exists()
    in_conflict = {name for name, text in texts(project).items() if START in text}
    assert in_conflict <= MAY_CONFLICT[mind.axis]


@pytest.mark.slow
def test_a_service_that_the_other_app_has_too_is_merged_or_in_conflict(released: Path, tmp_path: Path) -> None:
    mine: dict[str, Edit | None] = {"services/model.py": lambda text: text + "\nOURS = 'kept'\n"}
    project = edited(render(released, tmp_path / "app", "1.0.0", {"app_type": "blocks"}), mine)
    verdict, _ = change(project, released, "app_type", "interface", tmp_path)
    assert not verdict.lost
    assert "OURS = 'kept'" in (project / "services/model.py").read_text(encoding="utf-8")
    assert unmerged(project) == {"services/model.py"}


def test_an_edited_file_that_the_other_app_does_not_have_is_shown_and_one_command_brings_it_back(
    released: Path, tmp_path: Path
) -> None:
    # Copier takes away what the new render does not have; the project is in git by then, so nothing is lost.
    ours: dict[str, Edit | None] = {"services/tables.py": lambda text: text + "\nOURS = 'kept'\n"}
    project = edited(render(released, tmp_path / "app", "1.0.0", {"app_type": "blocks"}), ours)
    said = copier("update", "--defaults", "-d", "app_type=chat", cwd=project).stdout
    assert " D services/tables.py\n" in git("status", "--porcelain", cwd=project)
    assert "git restore" in said
    git("restore", "services/tables.py", cwd=project)
    assert "OURS = 'kept'" in (project / "services/tables.py").read_text(encoding="utf-8")


def test_every_axis_of_one_answer_is_tried() -> None:
    assert {axis for axis, _ in AXES} == {key for key, question in QUESTIONS.items() if "choices" in question}


def test_the_order_of_features_does_not_matter(released: Path, tmp_path: Path) -> None:
    forwards, backwards = feature_sets()[-1], feature_sets()[-1][::-1]
    one = render(released, tmp_path / "one", "1.0.0", {"features": forwards})
    other = render(released, tmp_path / "other", "1.0.0", {"features": backwards})
    for path in files(one):
        same = other / path.relative_to(one)
        assert path.read_text(encoding="utf-8") == same.read_text(encoding="utf-8"), same


def test_one_feature_that_is_not_written_as_a_list_is_refused_in_a_line(released: Path, tmp_path: Path) -> None:
    project = edited(render(released, tmp_path / "app", "1.0.0", {}), {})
    for wrong in ("mcp", "mcp, pwa", ""):
        result = copier("update", "--defaults", "-d", f"features={wrong}", cwd=project, check=False)
        assert result.returncode == 1
        assert f"features takes a list: -d 'features=[{wrong}]'" in result.stdout.splitlines()[-1]
        assert "Traceback" not in result.stdout
    assert not git("status", "--porcelain", cwd=project)
    copier("update", "--defaults", "-d", "features=[mcp]", cwd=project)
    assert answers_of(project)["features"] == ["mcp"]


def test_without_its_guard_copier_would_end_in_a_traceback(template: Path, tmp_path: Path) -> None:
    weak = shutil.copytree(template, tmp_path / "template")
    text = (weak / "copier.yml").read_text(encoding="utf-8")
    (weak / "copier.yml").write_text(text.replace("{% set known = features", "{% set known = [] and features"))
    with pytest.raises(TypeError):
        render(weak, tmp_path / "app", {"features": "mcp"})
