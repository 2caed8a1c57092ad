"""Rules of the organisation: `policy.json`, and whether the app keeps them.

The app asks at its start, `tests/server/test_policy.py` asks before, and `python -m server.policy` prints what is
broken. Rules about settings and sign-in bind where other machines can reach the app; elsewhere they would be in a
developer's way.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from packaging.version import Version
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

if TYPE_CHECKING:
    from server.settings import Kind

AUTH_MODE: str = "{{ auth_mode }}"
DEPLOY_TARGET: str = "{{ deploy_target }}"
MADE_WITH = "{{ policy | to_json(sort_keys=true) | hash('sha256') }}"
"""SHA-256 of the rules that this project was made with."""
GRADIO = version("gradio")
"""The version that is installed."""
POLICY_FILE = Path(__file__).resolve().parent.parent.parent / "policy.json"
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Policy(BaseModel):
    """The rules that there can be. What is left out is free."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    minimum_gradio: str = Field(default="0", pattern=r"^\d+(\.\d+)*$")
    """The oldest version of Gradio that may run, anywhere."""
    auth_modes: list[Literal["none", "password", "oidc", "huggingface", "proxy"]] | None = Field(None, min_length=1)
    """Who may be let in, where other machines can reach the app."""
    required_settings: dict[str, JsonValue] = {}
    """Values that settings must have there, by name in lower case and without `APP_`."""
    forbidden_settings: dict[str, list[JsonValue]] = {}
    """Values that settings must not have there; of a setting that is a list, no item may be among them."""
    maximum_settings: dict[str, float] = {}
    """The highest values that settings may have there."""


@dataclass(frozen=True)
class Facts:
    """What rules are held against."""

    auth_mode: str
    gradio: str
    settings: Mapping[str, Any]
    """By name in lower case and without `APP_`."""


def violations(policy: Policy, facts: Facts) -> list[str]:
    """Give one line for each rule that is broken; it says what to do. No line repeats a value, which may be a secret.

    A rule for a setting that the app does not have counts as broken: a name misspelt would guard nothing.
    """
    found: list[str] = []
    if Version(facts.gradio) < Version(policy.minimum_gradio):
        how = "uv lock --upgrade-package gradio && uv sync"
        found.append(f"policy.json: Gradio {facts.gradio} is older than {policy.minimum_gradio}. Run: {how}")
    if not is_reachable(facts.settings):
        return found
    if policy.auth_modes and facts.auth_mode not in policy.auth_modes:
        how = f"uvx copier update -d auth_mode={policy.auth_modes[0]}"
        found.append(
            f"policy.json: auth_mode {facts.auth_mode} is for this machine alone, and others can reach the app. "
            f"Choose one of: {', '.join(policy.auth_modes)}. Run: {how}"
        )
    return found + broken_by_settings(policy, facts.settings)


def is_reachable(settings: Mapping[str, Any]) -> bool:
    """Tell whether other machines can reach the app: by themselves, through a proxy, or under a name of their own."""
    names = set(settings["allowed_hosts"]) - THIS_MACHINE
    return bool(settings["public"] or settings["trusted_proxies"] or settings["root_path"] or names)


def broken_by_settings(policy: Policy, settings: Mapping[str, Any]) -> list[str]:
    """Give one line for each rule about settings that is broken."""
    found: list[str] = []
    for name in sorted({*policy.required_settings, *policy.forbidden_settings, *policy.maximum_settings}):
        if name not in settings:
            found.append(f"policy.json: there is no setting {name}. The organisation's template has to name another.")
            continue
        value, variable = settings[name], f"APP_{name.upper()}"
        wanted = policy.required_settings.get(name, value)
        if value != wanted:
            found.append(f"policy.json: set {variable}={wanted if isinstance(wanted, str) else json.dumps(wanted)}")
        refused = policy.forbidden_settings.get(name, [])
        items = cast("list[object]", value) if isinstance(value, list) else [value]
        if any(item in refused for item in items):
            found.append(f"policy.json: {variable} must have none of: {json.dumps(refused)}")
        most = policy.maximum_settings.get(name, math.inf)
        if isinstance(value, int | float) and value > most:
            found.append(f"policy.json: set {variable} to {most:g} or less")
    return found


def load_policy(path: Path | None = None) -> Policy:
    """Read the rules.

    Raises:
        SystemExit: one line, if the file is missing, is not the one that this project was made with, or has a rule that
            does not exist. Without its rules an app must not start.

    """
    try:
        rules: object = json.loads((path or POLICY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SystemExit("policy.json: it is missing or no JSON. Restore it from git, there are rules.") from None
    if hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest() != MADE_WITH:
        how = "Restore it from git; rules change by: uvx copier update"
        raise SystemExit(f"policy.json: it is not the one that this project was made with. {how}")
    try:
        return Policy.model_validate(rules)
    except ValidationError as error:
        lines = [f"policy.json: {'.'.join(map(str, item['loc']))}: {item['msg']}." for item in error.errors()]
        raise SystemExit("\n".join(f"{line} The organisation's template has to change it." for line in lines)) from None


def held_to_policy(settings: "Kind") -> "Kind":
    """Give the settings back where the app may start with them.

    Raises:
        SystemExit: one line for each rule that is broken.

    """
    facts = Facts(AUTH_MODE, GRADIO, settings.model_dump(mode="json"))
    if found := violations(load_policy(), facts):
        raise SystemExit("\n".join(found))
    return settings
