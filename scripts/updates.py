"""What an update must keep: five edits of a user, the update, and a verdict that git's own merge gives file by file."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from copier import run_copy

from scripts.history import ADA, commit, git, presets

ANSWERS_FILE = ".copier-answers.yml"
LABELS = ["-L", "before updating", "-L", "last update", "-L", "after updating"]
START, END = "<<<<<<< before updating\n", ">>>>>>> after updating\n"
GONE = "tests/test_browser.py"
Texts = dict[str, str]
Edit = Callable[[str], str]


def in_function(text: str) -> str:
    """Put a line into the handler of a file, the first function behind `@boundary`, or else into its first function."""
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    marked = [node for node in functions if any(ast.unparse(mark) == "boundary" for mark in node.decorator_list)]
    body = min(marked or functions, key=lambda node: node.lineno).body
    first = body[1 if ast.get_docstring(ast.Module(body, [])) and len(body) > 1 else 0]
    lines = text.splitlines(keepends=True)
    lines.insert(first.lineno - 1, " " * first.col_offset + f"ours = {'kept'!r}\n")
    return "".join(lines)


def with_dependency(text: str) -> str:
    """Add a dependency where `uv add` does: at the end of the list."""
    head, rest = text.split("\ndependencies = [\n", 1)
    return head + "\ndependencies = [\n" + rest.replace("\n]\n", '\n  "packaging>=24",\n]\n', 1)


def with_sentence(text: str) -> str:
    """Say something in the README, above the heading that every version has."""
    return text.replace("## Run it\n", "Ask Ada before you change anything.\n\n## Run it\n", 1)


EDITS: dict[str, Edit | None] = {
    "app.py": in_function,
    "services/model.py": in_function,
    "pyproject.toml": with_dependency,
    "README.md": with_sentence,
    GONE: None,
}
"""By file: how it is changed, or None where it is deleted."""


@dataclass
class Verdict:
    """What an update did to a project."""

    lost: list[str] = field(default_factory=list[str])
    """One line for each edit that is not as the merge of both sides has it."""
    conflicts: int = 0
    """Places where both sides changed the same lines; they are marked in the files, and in git's index."""


def texts(project: Path) -> Texts:
    """Read every file of a project but git's and the answers; paths have forward slashes."""
    found = [path for path in project.rglob("*") if path.is_file() and ".git" not in path.relative_to(project).parts]
    named = {path.relative_to(project).as_posix(): path.read_bytes().decode() for path in found}
    return {name: text for name, text in named.items() if name != ANSWERS_FILE and "__pycache__" not in name}


def answers_of(project: Path) -> dict[str, Any]:
    """Read the answers that a project remembers."""
    answers = yaml.safe_load((project / ANSWERS_FILE).read_text(encoding="utf-8"))
    return {key: value for key, value in answers.items() if not key.startswith("_")}


def render(repository: Path, folder: Path, ref: str, answers: dict[str, Any]) -> Path:
    """Render a version of the template, without trust."""
    run_copy(str(repository), folder, data=answers, vcs_ref=ref, defaults=True, quiet=True, unsafe=False)
    return folder


def edited(project: Path, edits: dict[str, Edit | None] | None = None) -> Path:
    """Make the edits of a user and commit them.

    Raises:
        ValueError: if an edit changes nothing.

    """
    for name, edit in (EDITS if edits is None else edits).items():
        path = project / name
        if edit is None:
            path.unlink()
            continue
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if edit(text) == text:
            raise ValueError(f"{name}: the edit changes nothing")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(edit(text).encode())
    commit(project, "Ours")
    return project


def update(project: Path, *arguments: str) -> str:
    """Update a project as a person does, in a process of its own, without trust or terminal; give what it printed."""
    command = [sys.executable, "-W", "ignore", "-m", "copier", "update", "--defaults", *arguments]
    done = subprocess.run(  # noqa: S603 (fixed arguments)
        command, cwd=project, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.stdout.decode()


def merged(mine: str, old: str, new: str, folder: Path) -> str:
    """Merge two changes of a text as git does; what both sides changed is marked."""
    if old in {mine, new}:
        return new if mine == old else mine
    paths = [folder / f"merge-{side}" for side in ("mine", "old", "new")]
    for path, text in zip(paths, (mine, old, new), strict=True):
        path.write_bytes(text.encode())
    done = subprocess.run(  # noqa: S603 (fixed arguments)
        ["git", "merge-file", "-p", "-q", *LABELS, *map(str, paths)],  # noqa: S607 (the git of the path)
        check=False,
        stdout=subprocess.PIPE,
    )
    return done.stdout.decode()


def judge(old: Texts, mine: Texts, new: Texts, after: Texts, folder: Path) -> Verdict:
    """Hold a project after an update against the merge of what the user and the template changed since `old`."""
    verdict = Verdict()
    for name in sorted(old.keys() | mine.keys() | new.keys() | after.keys()):
        text = after.get(name)
        if name in old and name not in mine:
            if text is not None:
                verdict.lost.append(f"{name}: deleted, and back")
        elif name not in new:
            if name in mine and mine[name] != old.get(name) and text != mine[name]:
                verdict.lost.append(f"{name}: the template has it no more, and the edit is gone")
            elif name in mine and mine[name] == old.get(name) and text is not None:
                verdict.lost.append(f"{name}: left behind")
        else:
            expected = merged(mine[name], old.get(name, ""), new[name], folder) if name in mine else new[name]
            verdict.conflicts += expected.count(START)
            if text != expected:
                verdict.lost.append(f"{name}: not what both sides made of it")
    return verdict


def unmerged(project: Path) -> set[str]:
    """Give the files that git's index shows as in conflict."""
    return set(git("diff", "--name-only", "--diff-filter=U", cwd=project).split())


def case(repository: Path, version: str, preset: str, folder: Path, ref: str) -> tuple[Path, Verdict]:
    """Make a project of a released version and preset, edit and update it; give it with the verdict.

    Args:
        repository: the template, its versions as tags.
        version: the version that the project is made from.
        preset: a preset of that version.
        folder: an empty folder.
        ref: the version that `copier update` goes to, the highest tag.

    """
    answers = yaml.safe_load(presets(repository, version)[preset])
    project = render(repository, folder / "app", version, answers)
    old = texts(project)
    edited(project)
    mine = texts(project)
    update(project)
    after = texts(project)
    new = texts(render(repository, folder / "new", ref, answers_of(project)))
    verdict = judge(old, mine, new, after, folder)
    verdict.lost += [f"{name}: marked, but not in the index" for name in marked(after) ^ unmerged(project)]
    return project, verdict


def marked(after: Texts) -> set[str]:
    """Give the files with conflict markers."""
    return {name for name, text in after.items() if START in text or END in text}


def settle(project: Path) -> None:
    """Solve every conflict for the user's side, as somebody would who looks at them later, and commit."""
    for name, text in texts(project).items():
        if START in text:
            kept = "".join(part.split("=======\n", 1)[0] + rest for part, rest in pieces(text))
            (project / name).write_bytes(kept.encode())
    git("add", "-A", cwd=project)
    git(*ADA, "commit", "-q", "--allow-empty", "-m", "Update", cwd=project)


def pieces(text: str) -> list[tuple[str, str]]:
    """Split a text at its conflicts: each with what follows it; the first is what comes before them."""
    head, *conflicts = text.split(START)
    split = [conflict.split(END, 1) for conflict in conflicts]
    return [("", head), *((first, rest) for first, rest in split)]


def shelter(project: Path, folder: Path) -> Path:
    """Copy a project with its history, so that two updates can start from the same place."""
    shutil.copytree(project, folder)
    return folder
