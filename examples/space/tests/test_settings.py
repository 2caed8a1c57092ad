"""Settings: wrong ones are refused in one line before anything is served."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.conftest import MakeSettings, environment
from utils import settings as module
from utils.settings import PROJECT_DIR, Settings, explain, get_settings


def test_the_defaults_listen_on_this_machine_only(make_settings: MakeSettings) -> None:
    assert make_settings().host == "127.0.0.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_permission(make_settings: MakeSettings, host: str) -> None:
    assert make_settings(host=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "example.com"])
def test_other_machines_are_let_in_only_on_purpose(make_settings: MakeSettings, host: str) -> None:
    with pytest.raises(ValidationError, match="APP_PUBLIC=true"):
        make_settings(host=host)
    assert make_settings(host=host, public=True).public


def test_more_workers_than_one_are_refused(make_settings: MakeSettings) -> None:
    with pytest.raises(ValidationError, match="start more replicas"):
        make_settings(WEB_CONCURRENCY=2)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"APP_PORT": "many"}, "APP_PORT: Input should be a valid integer, unable to parse string as an integer."),
        ({"APP_HOST": "0.0.0.0"}, "APP_HOST: 0.0.0.0 can be reached from other machines. Set APP_PUBLIC=true"),
        ({"WEB_CONCURRENCY": "2"}, "WEB_CONCURRENCY: Gradio keeps queue and sessions in one process"),
        ({"WEB_CONCURRENCY": "two"}, "WEB_CONCURRENCY: Input should be a valid integer"),
        ({"APP_ALLOWED_HOSTS": "example.com"}, "APP_ALLOWED_HOSTS: write a list, such as"),
        ({"APP_THEME": "plaid"}, "APP_THEME: there is no theme 'plaid'. Choose one of: "),
    ],
)
def test_a_wrong_setting_is_one_line_and_an_exit_code(variables: dict[str, str], line: str) -> None:
    run = subprocess.run(
        [sys.executable, "app.py"],
        cwd=PROJECT_DIR,
        env=os.environ | environment() | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,  # where it is not refused, it serves
    )
    assert run.returncode == 1
    assert run.stderr.strip().startswith(line)
    assert len(run.stderr.strip().splitlines()) == 1


def test_a_wrong_value_is_not_repeated_because_it_may_be_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("APP_PORT", "s3cret")
    get_settings.cache_clear()
    with pytest.raises(SystemExit) as error:
        get_settings()
    assert "s3cret" not in str(error.value)
    get_settings.cache_clear()


def test_a_list_that_is_no_json_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_CORS_ORIGINS", "https://example.com")
    get_settings.cache_clear()
    with pytest.raises(SystemExit, match="APP_CORS_ORIGINS: write a list"):
        get_settings()
    get_settings.cache_clear()


def test_an_error_of_the_whole_is_shown_without_a_field() -> None:
    with pytest.raises(ValidationError) as error:
        Settings.model_validate([])
    assert explain(error.value)


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "APP_TITLE").write_text("From a file")
    assert Settings(_env_file=None, _secrets_dir=tmp_path).title == "From a file"


def test_uploads_lie_outside_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not module.default_upload_dir().is_relative_to(PROJECT_DIR)
    monkeypatch.delattr("os.getuid", raising=False)
    assert module.default_upload_dir().name.endswith("-user")


def test_every_setting_is_listed_in_the_example_file() -> None:
    example = (PROJECT_DIR / ".env.example").read_text()
    for name, field in Settings.model_fields.items():
        assert f"{field.validation_alias or f'APP_{name.upper()}'}=" in example
