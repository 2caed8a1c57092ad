"""The weekly job of a project: it proposes a new version of the template, and hides no conflict."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts.history import ADA, commit, git
from scripts.updates import START, edited, render
from tests.conftest import release, run

CHANGELOG = """\
# Changelog

## 3.0.0 (2026-03-01)

* What the newest version brings.

## 2.0.0 (2026-02-01)

* What was skipped.

## 1.0.0 (2026-01-01)

* What was there before.
"""
RECORDER = """\
#!/bin/sh
# Takes the place of a program that talks to a forge: it notes what it was asked for, and keeps the body.
for word in "$@"; do
  printf '%s\\n' "$word" >> "$RECORD/asked"
  case "$word" in */body.md) cp "${word#description@}" "$RECORD/body.md" ;; esac
done
"""
UVX = f"""\
#!/bin/sh
# Takes the place of uvx: the Copier of the tests.
shift 3
exec {sys.executable} -W ignore -m copier "$@"
"""
FORGES = {"github": "gh", "gitlab": "curl"}
"""What opens the request there."""


class Desk:
    """A project with its origin and its template, and the programs that the job calls."""

    def __init__(self, provider: str, released: Path, folder: Path) -> None:
        self.folder, self.provider = folder, provider
        self.template = folder / "template"
        shutil.copytree(released, self.template)
        answers = {"app_type": "interface", "ci_provider": provider}
        self.project = render(self.template, folder / "app", "1.0.0", answers)
        commit(self.project, "Scaffold")
        self.origin = folder / "origin.git"
        git("init", "-q", "--bare", "-b", "main", self.origin, cwd=folder)
        git("remote", "add", "origin", self.origin, cwd=self.project)
        address = "https://oauth2:t0ken@gitlab.example/us/app.git"
        git("config", f"url.{self.origin}.insteadOf", address, cwd=self.project)
        git("push", "-q", "origin", "main", cwd=self.project)
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name, text in {FORGES[provider]: RECORDER, "uvx": UVX}.items():
            (self.programs / name).write_text(text, encoding="utf-8")
            (self.programs / name).chmod(stat.S_IRWXU)

    def edit(self) -> None:
        """Change a line that the next version changes too, and one that it does not."""
        changes = {
            "README.md": lambda text: text.replace("## Run it\n", "## Run ours\n"),
            "app.py": lambda text: text + "# Ours.\n",
        }
        edited(self.project, changes)

    def publish(self) -> None:
        """Release two new versions of the template; they change a heading, and take a file away."""
        readme = self.template / "template" / "README.md.jinja"
        text = readme.read_text(encoding="utf-8")
        readme.write_text(text.replace("## Run it\n", "## Run it here\n"), encoding="utf-8")
        release(self.template, "2.0.0")
        (self.template / "template" / "tests" / "test_settings.py").unlink()
        (self.template / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
        release(self.template, "3.0.0")

    def script(self) -> str:
        """Read what the job runs."""
        if self.provider == "github":
            workflow = yaml.safe_load((self.project / ".github/workflows/test.yml").read_text(encoding="utf-8"))
            return workflow["jobs"]["update"]["steps"][-1]["run"]
        return yaml.safe_load((self.project / ".gitlab-ci.yml").read_text(encoding="utf-8"))["update"]["script"][0]

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run the job as the forge does."""
        variables = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "RECORD": str(self.folder),
            "author": "Weekly",
            "email": "weekly@example.com",
            "TEMPLATE_TOKEN": "t0ken",
            "CI_SERVER_HOST": "gitlab.example",
            "CI_PROJECT_PATH": "us/app",
            "CI_PROJECT_ID": "7",
            "CI_API_V4_URL": "https://gitlab.example/api/v4",
            "CI_DEFAULT_BRANCH": "main",
        }
        return run("bash", "-c", self.script(), cwd=self.project, check=False, **variables)

    def branches(self) -> set[str]:
        """Give the branches of the origin."""
        return set(git("branch", "--format", "%(refname:short)", cwd=self.origin).split())

    def asked(self) -> list[str]:
        """Give what the forge was asked for, but for the set-up of git."""
        path = self.folder / "asked"
        words = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return words[2:] if words[:2] == ["auth", "setup-git"] else words

    def body(self) -> str:
        """Read the text of the request."""
        return (self.folder / "body.md").read_text(encoding="utf-8")


@pytest.fixture
def desk(request: pytest.FixtureRequest, released: Path, tmp_path: Path) -> Desk:
    return Desk(getattr(request, "param", "github"), released, tmp_path)


both = pytest.mark.parametrize("desk", FORGES, indirect=True)
last_slow = pytest.mark.parametrize("desk", ["github", pytest.param("gitlab", marks=pytest.mark.slow)], indirect=True)


@last_slow
def test_a_conflict_is_proposed_as_one_and_the_job_is_red_with_the_forge_recorded(desk: Desk) -> None:
    desk.edit()
    desk.publish()
    done = desk.run()
    assert done.returncode == 1, done.stdout
    assert done.stdout.strip().endswith("Conflicts: README.md")
    assert "**Both sides changed the same lines.**" in desk.body()
    assert "* `README.md`" in desk.body()
    asked = " ".join(desk.asked())
    assert "Update the template to 3.0.0 (with conflicts)" in asked
    assert "--draft" in asked or "title=Draft: " in asked
    proposed = git("show", "template-3.0.0:README.md", cwd=desk.origin)
    assert START in proposed
    assert "## Run ours" in proposed
    assert git("show", "template-3.0.0:app.py", cwd=desk.origin).endswith("# Ours.\n")


@pytest.mark.slow
@both
def test_a_new_version_is_proposed_with_what_is_new_in_it_with_the_forge_recorded(desk: Desk) -> None:
    desk.publish()
    done = desk.run()
    assert done.returncode == 0, done.stdout
    assert desk.branches() == {"main", "template-3.0.0"}
    asked = " ".join(desk.asked())
    assert "Update the template to 3.0.0" in asked
    assert "conflicts" not in asked
    assert "draft" not in asked.lower()
    body = desk.body()
    assert body.startswith("From 1.0.0 to 3.0.0 of the template.\n")
    assert "What the newest version brings." in body
    assert "What was skipped." in body
    assert "What was there before." not in body
    # A file that goes away is named, because somebody may have edited it.
    assert "* `tests/test_settings.py`" in body
    assert "## Run it here" in git("show", "template-3.0.0:README.md", cwd=desk.origin)
    assert git("log", "-1", "--format=%an <%ae>", "template-3.0.0", cwd=desk.origin) == "Weekly <weekly@example.com>\n"


@pytest.mark.slow
def test_rules_of_the_machine_that_ignore_a_file_lose_no_edit_with_the_forge_recorded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.edit()
    desk.publish()
    rules = desk.folder / "rules"
    rules.write_text("app.py\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.excludesFile")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(rules))
    desk.run()
    assert git("show", "template-3.0.0:app.py", cwd=desk.origin).endswith("# Ours.\n")


@pytest.mark.slow
@both
def test_nothing_new_proposes_nothing_with_the_forge_recorded(desk: Desk) -> None:
    done = desk.run()
    assert done.returncode == 0, done.stdout
    assert "nothing new" in done.stdout
    assert desk.branches() == {"main"}
    assert desk.asked() == []


@pytest.mark.slow
@both
def test_what_is_proposed_already_is_not_proposed_again_with_the_forge_recorded(desk: Desk) -> None:
    desk.publish()
    assert desk.run().returncode == 0
    before = desk.asked()
    head = git("rev-parse", "template-3.0.0", cwd=desk.origin)
    git("switch", "-q", "main", cwd=desk.project)
    done = desk.run()
    assert done.returncode == 0, done.stdout
    assert "already proposed" in done.stdout
    assert [word for word in desk.asked() if word not in {"auth", "setup-git"}] == before
    assert git("rev-parse", "template-3.0.0", cwd=desk.origin) == head


@pytest.mark.slow
@both
def test_a_template_that_cannot_be_reached_is_red_and_named_with_the_forge_recorded(desk: Desk) -> None:
    shutil.rmtree(desk.template)
    done = desk.run()
    assert done.returncode == 1
    assert f"The template cannot be reached: {desk.template}" in done.stdout
    assert desk.asked() == []


@pytest.mark.slow
def test_the_lock_file_follows_with_the_forge_recorded(desk: Desk) -> None:
    run("uv", "lock", "--quiet", cwd=desk.project, VIRTUAL_ENV="")
    commit(desk.project, "Lock")
    source = desk.template / "template" / "pyproject.toml.jinja"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace('  "gradio>', '  "cachetools>=6",\n  "gradio>', 1), encoding="utf-8")
    desk.publish()
    done = desk.run()
    assert done.returncode == 0, done.stdout
    assert 'name = "cachetools"' in git("show", "template-3.0.0:uv.lock", cwd=desk.origin)
    run("uv", "lock", "--check", cwd=desk.project, VIRTUAL_ENV="")


@pytest.mark.slow
def test_without_the_look_for_conflicts_they_would_go_through(desk: Desk) -> None:
    desk.edit()
    desk.publish()
    workflow = desk.project / ".github" / "workflows" / "test.yml"
    lines = workflow.read_text(encoding="utf-8").splitlines(keepends=True)
    found = [number for number, line in enumerate(lines) if line.strip().startswith("conflicts=$(")]
    assert len(found) == 1
    lines[found[0]] = "          conflicts=\n"
    workflow.write_text("".join(lines), encoding="utf-8")
    git("add", "-A", cwd=desk.project)
    git(*ADA, "commit", "-q", "-m", "Without", cwd=desk.project)
    assert desk.run().returncode == 0


@pytest.mark.slow
def test_the_command_of_the_job_gets_copier() -> None:
    done = run("uvx", "--from", "copier>=9.19,<10", "copier", "--version", cwd=Path("/"))
    assert "copier 9." in done.stdout
