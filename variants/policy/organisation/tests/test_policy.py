"""The project keeps the rules of the organisation, and does not start where it breaks one."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from server import application, policy
from server.policy import Facts, Policy, load_policy, violations
from server.policy.__main__ import broken_by_project, main
from server.settings import ServerSettings, read_settings
from tests.server.fixtures import MakeSettings

HERE: dict[str, Any] = {"public": False, "trusted_proxies": [], "root_path": "", "allowed_hosts": ["localhost"]}
OUTSIDE = HERE | {"public": True, "log_format": "text", "max_upload_mb": 64}


def test_this_project_keeps_the_rules() -> None:
    assert broken_by_project() == []


def test_the_rules_are_held_against_the_module_that_lets_people_in(make_settings: MakeSettings) -> None:
    assert application.auth_mode.build_access(make_settings()).known_only is (policy.AUTH_MODE != "none")


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        ({"minimum_gradio": "6.40"}, "Gradio 6.31.0 is older than 6.40. Run: uv lock"),
        ({"auth_modes": ["oidc", "proxy"]}, "Choose one of: oidc, proxy. Run: uvx copier update -d auth_mode=oidc"),
        ({"required_settings": {"log_format": "json"}}, "set APP_LOG_FORMAT=json"),
        ({"required_settings": {"max_upload_mb": 8}}, "set APP_MAX_UPLOAD_MB=8"),
        ({"forbidden_settings": {"allowed_hosts": ["*", "localhost"]}}, "APP_ALLOWED_HOSTS must have none of"),
        ({"forbidden_settings": {"log_format": ["text"]}}, "APP_LOG_FORMAT must have none of"),
        ({"maximum_settings": {"max_upload_mb": 10}}, "set APP_MAX_UPLOAD_MB to 10 or less"),
        ({"maximum_settings": {"max_upload": 10}}, "there is no setting max_upload."),
    ],
)
def test_a_rule_that_is_broken_is_one_line(rules: dict[str, Any], line: str) -> None:
    [found] = violations(Policy.model_validate(rules), Facts("none", "6.31.0", OUTSIDE))
    assert found.startswith("policy.json: ")
    assert line in found


def test_rules_that_are_kept_are_silent() -> None:
    rules = Policy(
        minimum_gradio="6.31",
        auth_modes=["oidc"],
        required_settings={"log_format": "text"},
        forbidden_settings={"allowed_hosts": ["*"]},
        maximum_settings={"max_upload_mb": 64},
    )
    assert violations(rules, Facts("oidc", "6.31.0", OUTSIDE)) == []


def test_on_this_machine_only_the_version_counts() -> None:
    rules = Policy(minimum_gradio="7", auth_modes=["oidc"])
    assert len(violations(rules, Facts("none", "6.31.0", HERE))) == 1


@pytest.mark.parametrize(
    "way",
    [
        {"public": True},
        {"trusted_proxies": ["10.0.0.7"]},
        {"root_path": "/demo"},
        {"allowed_hosts": ["demo.example.com"]},
    ],
)
def test_every_way_to_be_reached_is_seen(way: dict[str, Any]) -> None:
    assert len(violations(Policy(auth_modes=["oidc"]), Facts("none", "6.31.0", HERE | way))) == 1


def test_the_app_does_not_start_against_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "load_policy", lambda: Policy(required_settings={"title": "Another"}))
    monkeypatch.setenv("APP_PUBLIC", "true")
    with pytest.raises(SystemExit, match=r"policy\.json: set APP_TITLE=Another"):
        read_settings(ServerSettings)


@pytest.mark.parametrize("text", [None, "", "{no json", "{}", '{"auth_modes": ["none", "password"]}'])
def test_rules_that_are_missing_broken_or_edited_are_refused(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit, match=r"policy\.json: it is (missing|not the one)"):
        load_policy(path)


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        ({"auth_mode": ["oidc"]}, "policy.json: auth_mode: Extra inputs are not permitted. The organisation's"),
        ({"auth_modes": ["magic"]}, "policy.json: auth_modes.0: Input should be 'none'"),
        ({"minimum_gradio": "latest"}, "policy.json: minimum_gradio: String should match pattern"),
        (["oidc"], "policy.json: : Input should be"),
    ],
)
def test_a_rule_that_does_not_exist_is_refused(
    rules: object, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(rules))
    monkeypatch.setattr(policy, "MADE_WITH", hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest())
    with pytest.raises(SystemExit) as error:
        load_policy(path)
    assert str(error.value).startswith(line)
    assert len(str(error.value).splitlines()) == 1


def test_the_command_prints_what_is_broken_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as kept:
        main()
    assert (kept.value.code, capsys.readouterr().out) == (0, "")
    monkeypatch.setattr("server.policy.__main__.load_policy", lambda: Policy(minimum_gradio="999"))
    with pytest.raises(SystemExit) as refused:
        main()
    assert refused.value.code == 1
    assert "is older than 999" in capsys.readouterr().out
