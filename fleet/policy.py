"""An organisation's rules, as `policy.json` of a project has them, held against the project's last commit.

A project can check more of itself by `python -m server.policy`. A report runs no code of a checkout, so it evaluates
the rules that files alone decide, and names the others.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from fleet.errors import FleetError
from fleet.projects import Project, Repository, file_of

POLICY = "policy.json"
MODULES = ("server/policy/__init__.py", "utils/policy/__init__.py", "utils/policy.py")
"""Where the module of the rules is; the other places are those of earlier versions."""
MADE_WITH = re.compile(r'^MADE_WITH = "([0-9a-f]{64})"$', re.MULTILINE)
"""The hash of the rules, in the module of a project that was made with some: rules that are gone count as broken."""
AUTH_MODE = re.compile(r'^AUTH_MODE: str = "(\w+)"$', re.MULTILINE)
"""There too: an answer that an organisation locks is in no answers file."""


@dataclass
class Verdict:
    """What a policy says of one project."""

    exists: bool = True
    violations: list[str] = field(default_factory=list[str])
    not_checked: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        """Say it as a table shows it."""
        if not self.exists:
            return "none"
        count = len(self.violations)
        verdict = f"{count} violation{'s' if count > 1 else ''}" if count else "ok"
        return verdict + (f", not checked: {', '.join(self.not_checked)}" if self.not_checked else "")


def judge(repository: Repository, project: Project) -> Verdict:
    """Hold a project against its policy."""
    text, made_with = read(repository, POLICY), MADE_WITH.search(module_of(repository))
    if text is None:
        return Verdict(violations=[f"{POLICY} is missing"]) if made_with else Verdict(exists=False)
    try:
        data: object = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        return Verdict(violations=[f"{POLICY} is broken"])
    if made_with and made_with[1] != hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest():
        return Verdict(violations=[f"{POLICY} is not the one that the project was made with"])
    verdict = Verdict()
    for key, value in cast("dict[str, Any]", data).items():
        rule = RULES.get(key)
        found = rule(value, repository, project) if rule else None
        if found is None:
            verdict.not_checked.append(key)
        else:
            verdict.violations += found
    return verdict


def auth_modes(allowed: object, repository: Repository, project: Project) -> list[str] | None:
    """Hold the answer against the allowed ones."""
    rendered = AUTH_MODE.search(module_of(repository))
    mode = rendered[1] if rendered else project.answers.get("auth_mode")
    if not isinstance(allowed, list) or mode is None:
        return None
    names = [str(name) for name in cast("list[object]", allowed)]
    return [] if mode in names else [f"auth_mode is {mode}; allowed where others can reach the app: {', '.join(names)}"]


def minimum_gradio(minimum: object, repository: Repository, _project: Project) -> list[str] | None:
    """Hold the locked version, or else the lowest one that pyproject.toml lets in, against the lowest allowed."""
    found = locked(read(repository, "uv.lock") or "") or required(read(repository, "pyproject.toml") or "")
    try:
        wanted = Version(str(minimum))
    except InvalidVersion:
        return None
    if found is None:
        return None
    return [] if found >= wanted else [f"gradio is {found}; at least {wanted}"]


RULES: dict[str, Callable[[object, Repository, Project], list[str] | None]] = {
    "auth_modes": auth_modes,
    "minimum_gradio": minimum_gradio,
}
"""Each gives its violations, or None where files alone do not tell."""


def module_of(repository: Repository) -> str:
    """Read the module that holds a project to its rules; empty if there is none."""
    return "".join(read(repository, name) or "" for name in MODULES)


def read(repository: Repository, name: str) -> str | None:
    """Read a file of the last commit, if it is there."""
    try:
        return file_of(repository.path, repository.head, name)
    except FleetError:
        return None


def locked(text: str) -> Version | None:
    """Find Gradio in a uv.lock, which is too large to be parsed for one line of it."""
    found = re.search(r'^name = "gradio"\nversion = "([^"]+)"', text, re.MULTILINE)
    try:
        return Version(found[1]) if found else None
    except InvalidVersion:
        return None


def required(text: str) -> Version | None:
    """Find the lowest Gradio that a pyproject.toml lets in."""
    try:
        lines: list[str] = tomllib.loads(text)["project"]["dependencies"]
        requirements = [Requirement(line) for line in lines]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, InvalidRequirement):
        return None
    lowest = [
        Version(bound.version.removesuffix(".*"))
        for one in requirements
        if one.name == "gradio"
        for bound in one.specifier
        if bound.operator in {">=", "==", "~=", ">"}
    ]
    return max(lowest, default=None)
