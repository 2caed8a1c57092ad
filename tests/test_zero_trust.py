"""Promise 1: `copier copy` needs no `--trust`, no terminal and no answers."""

import re
from pathlib import Path

import pytest
import yaml

from tests.conftest import PRESETS, ROOT, copier, run

FORBIDDEN = re.compile(r"^_(tasks|migrations|jinja_extensions|external_data)\b", re.MULTILINE)


def test_a_project_comes_without_trust_terminal_or_answers(tmp_path: Path) -> None:
    result = copier("copy", "--defaults", ROOT, "app", "--vcs-ref", "HEAD", cwd=tmp_path)
    assert (tmp_path / "app" / "app.py").is_file()
    assert "uv run app.py" in result.stdout


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_comes_without_trust_or_terminal(preset: str, tmp_path: Path) -> None:
    data = ROOT / "presets" / f"{preset}.yml"
    copier("copy", "--defaults", "--data-file", data, ROOT, "app", "--vcs-ref", "HEAD", cwd=tmp_path)
    answers = yaml.safe_load((tmp_path / "app" / ".copier-answers.yml").read_text(encoding="utf-8"))
    for key, value in yaml.safe_load(data.read_text(encoding="utf-8")).items():
        assert answers[key] == value


def test_no_commit_with_a_version_ever_needed_trust() -> None:
    # One released version with a task would break every later update of those who are on it.
    commits = run("git", "rev-list", "HEAD", "--", "copier.yml", cwd=ROOT).stdout.split()
    assert commits
    for commit in [*commits, "HEAD"]:
        text = run("git", "show", f"{commit}:copier.yml", cwd=ROOT, check=False).stdout
        assert not FORBIDDEN.search(text), commit
    assert not FORBIDDEN.search((ROOT / "copier.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("key", ["_tasks", "_migrations", "_jinja_extensions"])
def test_a_template_that_needs_trust_would_be_noticed(key: str, template: Path, tmp_path: Path) -> None:
    broken = tmp_path / "template"
    broken.mkdir()
    for part in template.iterdir():
        (broken / part.name).symlink_to(part)
    (broken / "copier.yml").unlink()
    values = {"_tasks": ["true"], "_migrations": [{"command": "true"}], "_jinja_extensions": ["jinja2.ext.do"]}
    text = (template / "copier.yml").read_text(encoding="utf-8") + "\n" + yaml.safe_dump({key: values[key]})
    (broken / "copier.yml").write_text(text, encoding="utf-8")
    assert FORBIDDEN.search(text)
    if key != "_migrations":  # these count on updates only
        result = copier("copy", "--defaults", broken, "app", cwd=tmp_path, check=False)
        assert result.returncode == 4
        assert not (tmp_path / "app").exists()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("app_type=desktop", "Invalid choice"),
        ("project_name=", "Give the app a name, for example: Digit Reader."),
        ("project_name=" + "x" * 61, "Use at most 60 characters."),
        ("project_slug=../evil", "Use lower-case letters, digits and hyphens."),
    ],
)
def test_a_bad_answer_is_refused_with_a_reason_and_nothing_is_written(answer: str, reason: str, tmp_path: Path) -> None:
    result = copier("copy", "--defaults", "-d", answer, ROOT, "app", "--vcs-ref", "HEAD", cwd=tmp_path, check=False)
    assert result.returncode != 0
    assert reason in result.stdout.strip().splitlines()[-1]
    assert not (tmp_path / "app").exists()
