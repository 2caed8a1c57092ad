"""Small fleets for tests: a template of a few files with four versions, and repositories made from it."""

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest
from copier import run_copy

from fleet.cli import main
from tests.conftest import ROOT, run

QUESTIONS = """\
_subdirectory: template
color: {type: str, default: red, choices: [red, blue]}
auth_mode: {type: str, default: none, choices: [none, password]}
"""
ANSWERS = "# By Copier\n{{ _copier_answers | to_nice_yaml -}}\n"
LINES = "one\n2\nthree\n"
GREEN = "grep -q two text.txt"
"""A check that only an updated project passes."""
GITCONFIG = "[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = main\n[commit]\ngpgsign = false\n"


def commit(folder: Path, message: str = "Work") -> None:
    """Keep everything in git; the configuration comes from `isolated`."""
    run("git", "init", "-q", cwd=folder)
    run("git", "add", "-A", cwd=folder)
    run("git", "commit", "-q", "--allow-empty", "-m", message, cwd=folder)


def release(template: Path, tag: str, text: str) -> None:
    """Give a template one more version."""
    (template / "template" / "text.txt").write_text(text, encoding="utf-8")
    commit(template, tag or "Not released")
    if tag:
        run("git", "tag", tag, cwd=template)


def make_template(folder: Path, tags: tuple[str, ...] = ("v1.0.0", "v2.0.0", "v3.0.0", "v4.0.0rc1")) -> Path:
    """Make a template; each version has one more line, and the second changes one."""
    (folder / "template").mkdir(parents=True)
    (folder / "copier.yml").write_text(QUESTIONS, encoding="utf-8")
    (folder / "template" / "{{ _copier_conf.answers_file }}.jinja").write_text(ANSWERS, encoding="utf-8")
    (folder / "template" / "color.txt.jinja").write_text("{{ color }}\n", encoding="utf-8")
    for number, tag in enumerate(tags):
        release(folder, tag, LINES.replace("2", "two" if number else "2") + "\n" * 3 + "more\n" * number)
    return folder


def isolate(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let git have the configuration of nobody's machine, and temporary files a folder that can be looked at."""
    (folder / "tmp").mkdir(parents=True)
    (folder / "gitconfig").write_text(GITCONFIG, encoding="utf-8")
    patch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("TMPDIR", str(folder / "tmp"))
    patch.setattr("tempfile.tempdir", str(folder / "tmp"))
    for name in ("GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS"):  # set by the command, and taken back after the test
        patch.setenv(name, "0")


@dataclass
class Fleet:
    """A folder of checkouts."""

    base: Path
    """Holds the checkouts, the state file and what git and fleet need."""
    template: Path
    cache: Path
    """Finished checkouts, copied for each test."""

    @property
    def folder(self) -> Path:
        """Where the checkouts are."""
        return self.base / "my repositories"

    @property
    def state(self) -> Path:
        """The state file."""
        return self.base / "fleet.json"

    def add(self, name: str, version: str = "v1.0.0", template: Path | None = None) -> Path:
        """Add a clean checkout made from a version."""
        made = self.cache / (version + str(template or self.template).replace(os.sep, "-"))
        if not made.exists():
            run_copy(str(template or self.template), made, vcs_ref=version, defaults=True, quiet=True)
            commit(made, "Scaffold")
        self.folder.mkdir(exist_ok=True)
        shutil.copytree(made, self.folder / name, symlinks=True)
        return self.folder / name

    def edit(self, name: str, file: str = "text.txt", text: str = "one\nzwei\nthree\n\n\n\n") -> Path:
        """Change a checkout and commit; by default a line that the second version changes too."""
        (self.folder / name / file).write_text(text, encoding="utf-8")
        commit(self.folder / name, "Ours")
        return self.folder / name

    def report(self, *arguments: str | Path) -> int:
        """Run `fleet report` in this process; on the whole folder, if nothing else is named."""
        return main(["report", *map(str, arguments or [self.folder])], terminal=False)

    def update(self, *arguments: str | Path, source: Path | None = None) -> int:
        """Run `fleet update` in this process."""
        return main(self.command(*arguments, source=source), terminal=False)

    def command(self, *arguments: str | Path, source: Path | None = None) -> list[str]:
        """Give the arguments of an update."""
        return ["update", str(source or self.folder), "--state", str(self.state), "--yes", *map(str, arguments)]

    def left_behind(self) -> list[Path]:
        """Give what is left of temporary files."""
        return list((self.base / "tmp").iterdir())


def look(checkout: Path) -> dict[str, object]:
    """Describe everything that a checkout is: its files, its index, its branches, what else git knows."""
    described: dict[str, object] = {
        "refs": run("git", "for-each-ref", cwd=checkout).stdout,
        "worktrees": run("git", "worktree", "list", cwd=checkout).stdout.count("\n"),
        "head": (checkout / ".git" / "HEAD").read_text(encoding="utf-8"),
        "index": (checkout / ".git" / "index").read_bytes(),
        "config": (checkout / ".git" / "config").read_text(encoding="utf-8"),
    }
    for path in sorted(checkout.rglob("*")):
        if path.is_file() and ".git" not in path.parts:
            described[str(path)] = path.read_bytes()
    return described


def branch_file(checkout: Path, name: str = "text.txt", branch: str = "template-update") -> str:
    """Read a file of a branch."""
    return run("git", "show", f"{branch}:{name}", cwd=checkout).stdout


def branches(checkout: Path) -> list[str]:
    """Give the names of all branches."""
    return run("git", "for-each-ref", "--format=%(refname:short)", "refs/heads", cwd=checkout).stdout.split()


def without(guard: str, file: str, instead: str, folder: Path) -> Path:
    """Copy the command with one guard taken away; run it as `python -m fleet` in the folder that is given back."""
    shutil.copytree(ROOT / "fleet", folder / "fleet", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "fleet" / file
    text = path.read_text(encoding="utf-8")
    assert guard in text, f"the guard is not in {file} any more"
    path.write_text(text.replace(guard, instead), encoding="utf-8")
    return folder


@contextmanager
def running(arguments: list[str], **variables: str) -> Iterator[Popen[str]]:
    """Run the command in a process group of its own, as a terminal does, and end it whatever happens."""
    command = [sys.executable, "-m", "fleet", *arguments]
    options: dict[str, Any] = {"stdout": PIPE, "stderr": PIPE, "text": True, "start_new_session": True}
    with Popen(command, cwd=ROOT, env=os.environ | variables, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def script(path: Path, text: str) -> Path:
    """Write a shell script."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def results(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Give wave and result of each repository, by name."""
    lines = [line.split(None, 2) for line in capsys.readouterr().out.splitlines()[1:]]
    return {name: f"{wave} {result}" for name, wave, result in lines}


def rows(text: str) -> list[list[str]]:
    """Split a table at its gaps."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]
