"""Figure 18: what `fleet update` of many projects costs, and whether it tells good from broken ones."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml
from copier import run_copy

from benchmarks import ROOT
from benchmarks.figures import QUICK_ROUNDS, Figure, main
from benchmarks.servers import environment
from scripts.history import releases
from scripts.updates import edited

MODULE = "benchmarks.fleet"
OLD, NEW = "0.1.0", "999.0.0"
MANY, FEW = 100, 30
ALONE = environment(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
CHECK = "test -s app.py && ! test -e RED"


def figures(rounds: int) -> list[Figure]:
    """Measure, once: a run of 100 projects is long, and what it costs varies little."""
    count = FEW if rounds == QUICK_ROUNDS else MANY
    good = count - len(BROKEN)
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        fleet = make(base, count)
        before = {project.name: described(project) for project in fleet.iterdir()}
        seconds, told = update(base, fleet)
        updated = [name for name in before if "template-update" in described(fleet / name) and name not in BROKEN]
        left = [name for name in BROKEN if name in told and described(fleet / name) == before[name]]
    return [
        Figure(
            "18a",
            f"one `fleet update` of {count} projects: CPU for each that is updated, children included",
            at_least=None,
            at_most=5,
            rounds=[seconds / good],
            module=MODULE,
            detail=f"{seconds:.0f} s in all",
            unit="s",
        ),
        Figure(
            "18b",
            f"the same: good ones updated, and the {len(BROKEN)} broken ones reported and left as they were",
            at_least=count,
            at_most=None,
            rounds=[len(updated) + len(left)],
            module=MODULE,
            detail=f"{len(updated)} of {good} updated, {len(left)} of {len(BROKEN)} reported",
            unit="projects",
        ),
    ]


def make(base: Path, count: int) -> Path:
    """Make the projects: every preset of the old version in turn, each with the edits of a user."""
    template, fleet = base / "template", base / "fleet"
    git(base, "clone", "--quiet", "--no-local", str(ROOT), str(template))
    git(template, "tag", "--force", OLD, releases()[OLD])
    git(template, "tag", "--force", NEW, "HEAD")
    presets = [Path(name) for name in git(template, "ls-tree", "--name-only", OLD, "presets/").split()]
    for preset in presets:
        answers = yaml.safe_load(git(template, "show", f"{OLD}:{preset.as_posix()}"))
        run_copy(str(template), base / preset.stem, answers, vcs_ref=OLD, defaults=True, quiet=True)
        git(base / preset.stem, "init", "--quiet")
        git(base / preset.stem, "config", "user.name", "Ada")
        git(base / preset.stem, "config", "user.email", "ada@example.com")
        commit(base / preset.stem)
    names = [f"app-{number:03}" for number in range(count - len(BROKEN))] + list(BROKEN)
    for number, name in enumerate(names):
        shutil.copytree(base / presets[number % len(presets)].stem, fleet / name)
        edited(fleet / name)
        BROKEN.get(name, leave)(fleet / name)
    return fleet


def update(base: Path, fleet: Path) -> tuple[float, dict[str, str]]:
    """Run the command and give its CPU seconds and what it reported."""
    command = [sys.executable, "-m", "fleet", "update", str(fleet), "--yes", "--check", CHECK, "--format", "json"]
    with (base / "told.json").open("wb") as output, (base / "progress.txt").open("wb") as progress:
        command += ["--state", str(base / "state.json")]
        process = subprocess.Popen(command, stdout=output, stderr=progress, env=ALONE, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    told = json.loads((base / "told.json").read_text(encoding="utf-8"))
    return usage.ru_utime + usage.ru_stime, told["problems"]


def described(project: Path) -> str:
    """Give branches and uncommitted changes of a project, where git can tell."""
    try:
        return git(project, "for-each-ref") + git(project, "status", "--porcelain")
    except subprocess.CalledProcessError:
        return ""


def git(folder: Path, *arguments: str) -> str:
    """Run git."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, check=True, text=True, capture_output=True, env=ALONE).stdout


def commit(project: Path) -> None:
    """Commit everything."""
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Work")


def answered(old: str, new: str) -> Callable[[Path], None]:
    """Change the answers file."""

    def change(project: Path) -> None:
        path = project / ".copier-answers.yml"
        path.write_text(re.sub(old, new, path.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8")
        commit(project)

    return change


def committed(name: str) -> Callable[[Path], None]:
    """Add a file."""

    def change(project: Path) -> None:
        (project / name).touch()
        commit(project)

    return change


def no_commit(project: Path) -> None:
    """Start a history that has nothing in it yet."""
    shutil.rmtree(project / ".git")
    git(project, "init", "--quiet")


def no_answers(project: Path) -> None:
    """Remove the answers file."""
    git(project, "rm", "--quiet", ".copier-answers.yml")
    commit(project)


def foreign_branch(project: Path) -> None:
    """Have work on a branch of the name that the update wants."""
    git(project, "checkout", "--quiet", "-b", "template-update")
    committed("work")(project)
    git(project, "checkout", "--quiet", "-")


def leave(_project: Path) -> None:
    """Leave a project as it is."""


BROKEN: dict[str, Callable[[Path], None]] = {
    "broken-answers": answered("^_commit", "_commit: ["),
    "dirty": lambda project: (project / "app.py").unlink(),
    "foreign-branch": foreign_branch,
    "no-answers": no_answers,
    "no-commit": no_commit,
    "no-repository": lambda project: shutil.rmtree(project / ".git"),
    "red-check": committed("RED"),
    "unknown-version": answered("^_commit:.*", "_commit: 0.0.7"),
    "unreachable": answered("^_src_path:.*", "_src_path: /nowhere"),
    "untracked": lambda project: (project / "new.py").touch(),
}
"""How to break a project, by the name that it then has. They come after the others: none of them is a canary."""


if __name__ == "__main__":
    main(figures, __doc__)
