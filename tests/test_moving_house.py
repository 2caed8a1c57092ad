"""From 0.1 and 0.2 into the house of 0.3: what is the user's stays, and what the template moved says where to look."""

from pathlib import Path

import pytest

from scripts.history import NEXT, git, presets, releases
from scripts.updates import Edit, answers_of, edited, in_function, judge, render, texts, update, with_sentence

OLD_HOUSE = [version for version in releases() if version.startswith(("0.1.", "0.2."))]
PRESETS = ("internal", "assistant", "prototype")
LINE = "OURS = 'kept'\n"
OWN_FIELD = '    our_limit: int = 3\n    """What we added."""\n'


def at_end(text: str) -> str:
    """Add a line of the user's at the end of a file."""
    return text + f"\n\n{LINE}"


def with_field(text: str) -> str:
    """Add a setting where people put them: at the end of the class, above its first method."""
    return text.replace('\n    @model_validator(mode="after")', f'{OWN_FIELD}\n    @model_validator(mode="after")', 1)


EDITS: dict[str, Edit | None] = {
    "app.py": in_function,
    "services/model.py": at_end,
    "utils/preprocess.py": at_end,
    "tests/test_events.py": at_end,
    "README.md": with_sentence,
    "utils/settings.py": with_field,
    "utils/gate.py": at_end,
}
"""The last one is kept by the template, which moved it to `server/`."""
CASES = [
    pytest.param(version, preset, marks=[] if (version, preset) == ("0.2.0", "prototype") else [pytest.mark.slow])
    for version in OLD_HOUSE
    for preset in PRESETS
]


@pytest.mark.parametrize(("version", "preset"), CASES)
def test_an_old_project_moves_without_losing_an_edit(version: str, preset: str, history: Path, tmp_path: Path) -> None:
    answers = read(presets(history, version)[preset])
    project = render(history, tmp_path / "app", version, answers)
    old = texts(project)
    mine = texts(edited(project, EDITS))
    said = update(project)
    after = texts(project)
    verdict = judge(old, mine, texts(render(history, tmp_path / "new", NEXT, answers_of(project))), after, tmp_path)
    assert verdict.lost == ["utils/gate.py: the template has it no more, and the edit is gone"]
    for name in EDITS.keys() - {"utils/gate.py"}:
        lines = set(mine[name].splitlines()) - set(old[name].splitlines())
        assert lines, name
        assert lines <= set(after[name].splitlines()), name
    # The message says where an edit of a file that moved can be seen, and there it is.
    assert "git diff HEAD -- utils/" in said
    assert f"-{LINE}" in git("diff", "HEAD", "--", "utils/", cwd=project)
    assert "class Gate" in after["server/gate.py"]


def read(text: str) -> dict[str, str]:
    """Read a preset: a flat list of answers."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split(": ", 1) for line in lines)


def test_the_moves_of_each_file_are_in_the_changelog(history: Path) -> None:
    text = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    section = text.partition("Moving from 0.2")[2].partition("\n## ")[0]
    assert section
    for old in ("utils/server.py", "utils/gate.py", "utils/identity.py", "extra_paths", "utils.passwords"):
        assert old in section
    assert releases(history) == releases()
