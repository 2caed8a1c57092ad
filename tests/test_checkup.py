"""Promise 10: what will not work here is said at start, and nothing else is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Answers, choices, render

PICTURE = "https://pictures.example.com/cat.png"


def check(project: Path, **variables: str) -> tuple[int, str]:
    """Give the exit code of `python app.py --check`, and what it says."""
    process = subprocess.run(
        [sys.executable, "app.py", "--check"],
        cwd=project,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert not process.stderr, process.stderr
    return process.returncode, process.stdout


@pytest.mark.parametrize("app", choices("app_type"))
@pytest.mark.parametrize("start", choices("start_from"))
def test_no_false_alarm_on_what_the_template_writes(app: str, start: str, template: Path, tmp_path: Path) -> None:
    answers: Answers = {"app_type": app, "start_from": start}
    code, said = check(render(template, tmp_path / "app", answers))
    assert code == 0
    assert said.splitlines()[-1] == "no problems found"
    assert all(line.startswith("note: the content policy allows") for line in said.splitlines()[:-1]), said


def test_what_will_not_work_is_one_line_with_the_setting_that_helps(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"app_type": "streaming", "start_from": "skeleton"})
    app = project / "app.py"
    marker = "demo = build_demo(get_settings())\n"
    text = app.read_text(encoding="utf-8")
    assert text.count(marker) == 1
    added = f"{marker}with demo:\n    gr.Markdown('![A cat]({PICTURE})')\n"
    app.write_text(text.replace(marker, added), encoding="utf-8")
    code, said = check(project)
    [problem] = [line for line in said.splitlines() if line.startswith("problem: ")]
    assert code == 1
    assert "https://pictures.example.com is kept out, which markdown" in problem
    setting = problem.split("APP_CONTENT_SOURCES='")[1].split("'")[0]
    assert check(project, APP_CONTENT_SOURCES=setting) == (0, "no problems found\n")
