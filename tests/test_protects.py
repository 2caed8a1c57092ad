"""What a project says that it protects is held by a test of that project, and what it does not protect is said too."""

import re
from pathlib import Path

import pytest

from tests.conftest import choices, render, run

LONGEST = 45
"""Lines that fit on one page."""
HELD = re.compile(r"^\| (.+) \| `(test_\w+\.py)`: `(test_\w+)` \|$")


def section(project: Path) -> list[str]:
    """Give the lines of "What this protects"."""
    text = (project / "README.md").read_text(encoding="utf-8")
    found = text.partition("## What this protects\n")[2].partition("\n## ")[0]
    return [line for line in found.splitlines() if line]


@pytest.mark.usefixtures("without_git")
@pytest.mark.parametrize("auth_mode", choices("auth_mode"))
def test_every_line_names_a_test_that_the_project_has(template: Path, tmp_path: Path, auth_mode: str) -> None:
    project = render(template, tmp_path / "app", {"app_type": "interface", "auth_mode": auth_mode})
    lines = section(project)
    assert len(lines) <= LONGEST
    rows = [line for line in lines if line.startswith("| ") and line != "| What | Held by |"]
    assert len(rows) >= 15
    for row in rows:
        held = HELD.match(row)
        assert held, row
        _, file, name = held.groups()
        assert f"def {name}(" in (project / "tests" / "server" / file).read_text(encoding="utf-8"), row
    members = any("of one user are closed to every other" in row for row in rows)
    assert members == (auth_mode != "none")


@pytest.mark.usefixtures("without_git")
@pytest.mark.parametrize("deploy_target", ["local", "docker"])
def test_what_is_not_protected_is_said(template: Path, tmp_path: Path, deploy_target: str) -> None:
    lines = section(render(template, tmp_path / "app", {"app_type": "chat", "deploy_target": deploy_target}))
    text = "\n".join(lines)
    assert all(words in text for words in ("It does not protect", "what a model says", "many addresses at once"))
    assert ("This project has none: before you let the public in" in text) == (deploy_target == "local")


def test_secrets_of_any_name_stay_out_of_the_history(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"app_type": "interface", "auth_mode": "password"})
    run("git", "init", "-q", cwd=project)
    (project / "secrets").mkdir()
    for name in (".env", ".env.production", ".env.local", "accounts.toml", "secrets/APP_SESSION_SECRET"):
        (project / name).write_text("x", encoding="utf-8")
    run("git", "add", "-A", cwd=project)
    kept = run("git", "ls-files", cwd=project).stdout.splitlines()
    assert ".env.example" in kept
    assert not {name for name in kept if name.startswith((".env", "accounts", "secrets/"))} - {".env.example"}
