"""A project that was made with a policy does not start against it, and cannot be rid of it by an edit of one file."""

import re
import shutil
import sys
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT, choices, render, run
from tests.test_first_start import started

RULES = {"auth_modes": ["oidc", "proxy"], "minimum_gradio": "6.31", "required_settings": {"log_format": "json"}}
OUTSIDE = {"APP_HOST": "0.0.0.0", "APP_PUBLIC": "true", "APP_LOG_FORMAT": "json"}
REFUSED = (
    "policy.json: auth_mode none is for this machine alone, and others can reach the app. Choose one of: oidc, proxy."
)
POLICY = "server/policy/__init__.py"
GUARDS = {
    "start": ("server/settings.py", "held_to_policy(parsed(kind))", "parsed(kind)", "does_not_start"),
    "version": (POLICY, "if Version(facts.gradio) < ", "if Version('0') > ", "is_one_line or on_this_machine"),
    "auth mode": (POLICY, "facts.auth_mode not in policy.auth_modes", "False", "is_one_line"),
    "proxies": (POLICY, 'or settings["trusted_proxies"] ', "", "every_way"),
    "required": (POLICY, "if value != wanted:", "if False:", "is_one_line"),
    "forbidden": (POLICY, "any(item in refused", "any(not item", "is_one_line"),
    "maximum": (POLICY, "and value > most", "and False", "is_one_line"),
    "unknown setting": (POLICY, "if name not in settings:", "if settings.get(name, 0) is None:", "is_one_line"),
    "edited": (POLICY, "!= MADE_WITH", "== 'no'", "missing_broken_or_edited"),
    "missing": (
        POLICY,
        'raise SystemExit("policy.json: it is missing',
        'return Policy()  # ("',
        "missing_broken_or_edited",
    ),
    "unknown rule": (POLICY, 'extra="forbid"', 'extra="ignore"', "does_not_exist"),
}
"""What stands behind each guard: file, code, what takes its place, and the project's tests that must then fail."""


@pytest.fixture(scope="module")
def ruled(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render a project in which nobody signs in, for an organisation that allows this on the own machine only."""
    return render(template, tmp_path_factory.mktemp("ruled") / "app", {"app_type": "interface", "policy": RULES})


@pytest.fixture
def project(ruled: Path, tmp_path: Path) -> Path:
    """Give a copy to change."""
    return shutil.copytree(ruled, tmp_path / "app")


def start(project: Path, **variables: str) -> tuple[int, list[str]]:
    """Start the app where it must refuse, and give the exit code and the lines that it prints."""
    result = run("timeout", "60", sys.executable, "app.py", cwd=project, check=False, APP_PORT="0", **variables)
    return result.returncode, result.stdout.splitlines()


def test_an_app_that_others_can_reach_is_refused_in_one_line(ruled: Path) -> None:
    code, [line] = start(ruled, **OUTSIDE)
    assert code == 1
    assert line.startswith(REFUSED)
    assert line.endswith("Run: uvx copier update -d auth_mode=oidc")


def test_each_broken_rule_has_its_line(ruled: Path) -> None:
    code, lines = start(ruled, **(OUTSIDE | {"APP_LOG_FORMAT": "text"}))
    assert code == 1
    assert lines[1:] == ["policy.json: set APP_LOG_FORMAT=json"]


@pytest.mark.parametrize("edit", ["missing", "emptied", "loosened", "broken"])
def test_rules_cannot_be_edited_away(edit: str, project: Path) -> None:
    path = project / "policy.json"
    text = path.read_text(encoding="utf-8")
    path.unlink()
    texts = {"emptied": "{}", "loosened": text.replace('"oidc"', '"none"'), "broken": text[:-9]}
    if edit in texts:
        path.write_text(texts[edit], encoding="utf-8")
    code, [line] = start(project)
    assert code == 1
    assert line.startswith("policy.json: it is ")
    assert "Restore it from git" in line


def test_other_line_ends_are_no_edit(project: Path) -> None:
    path = project / "policy.json"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert run(sys.executable, "-m", "server.policy", cwd=project).stdout == ""


def test_the_command_says_what_a_change_of_the_project_would_break(template: Path, tmp_path: Path) -> None:
    answers = {"app_type": "interface", "deploy_target": "docker", "policy": RULES}
    project = render(template, tmp_path / "app", answers)
    result = run(sys.executable, "-m", "server.policy", cwd=project, check=False)
    assert result.returncode == 1
    [line] = result.stdout.splitlines()
    assert line.startswith(REFUSED)


def test_the_rules_know_every_auth_mode() -> None:
    text = (ROOT / "variants" / "policy" / "organisation" / "policy" / "policy.py").read_text(encoding="utf-8")
    literal = re.search(r"auth_modes: list\[Literal\[(.+?)\]\]", text)
    assert literal
    assert sorted(re.findall(r'"(\w+)"', literal[1])) == sorted(choices("auth_mode"))


@pytest.mark.slow
def test_on_the_own_machine_the_app_starts(ruled: Path) -> None:
    with started(ruled, sys.executable, "app.py", APP_MODEL_WORKERS="0") as url:
        assert httpx.get(url).status_code == 200


@pytest.mark.slow
def test_without_the_guard_an_open_app_would_start(project: Path) -> None:
    file, code, instead, _ = GUARDS["start"]
    take_away(project / file, code, instead)
    with started(project, sys.executable, "app.py", APP_MODEL_WORKERS="0", **OUTSIDE) as url:
        assert httpx.get(url).status_code == 200


def take_away(path: Path, code: str, instead: str) -> None:
    """Remove a guard, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert code in text, f"the guard is not in {path.name} any more: {code}"
    path.write_text(text.replace(code, instead), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("guard", GUARDS)
def test_without_its_guard_the_project_s_test_fails(guard: str, project: Path) -> None:
    file, code, instead, name = GUARDS[guard]
    take_away(project / file, code, instead)
    pytest_command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    result = run(*pytest_command, "tests/server/test_policy.py", "-k", name, cwd=project, check=False)
    assert result.returncode == 1, f"without {guard!r} the tests still say:\n{result.stdout[-3000:]}"
