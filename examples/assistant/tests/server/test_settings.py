"""Settings: wrong ones are refused in one line before anything is served."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from server import settings as module
from server.settings import (
    PROJECT_DIR,
    ServerSettings,
    explain,
    parsed,
    problem_with_folder,
    read_settings,
    workers_in,
)
from tests.server.fixtures import IMPORTS, TINY, MakeSettings, environment


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
    for name in ("WEB_CONCURRENCY", "UVICORN_WORKERS"):
        with pytest.raises(ValidationError, match=f"{name}: .* start more replicas"):
            make_settings(**{name: 2})


@pytest.mark.parametrize(
    ("line", "workers"),
    [
        ("uvicorn app:create_app --factory --workers 2", 2),
        ("uvicorn --workers=3 app:create_app", 3),
        ("gunicorn -w 4 -k uvicorn_worker.UvicornWorker app:app", 4),
        ("gunicorn -w4 app:app", 4),
        ("uvicorn --workers 1 app:create_app", 1),
        ("uvicorn --workers", 1),
        ("app.py --reload", 1),
    ],
)
def test_workers_are_read_from_a_command_line(line: str, workers: int) -> None:
    assert workers_in(line.split()[1:]) == workers


def test_a_server_with_two_workers_serves_nobody() -> None:
    serve = [sys.executable, "-m", "uvicorn", "app:create_app", "--factory", "--workers", "2", "--port", "0"]
    process = subprocess.Popen(
        serve, cwd=PROJECT_DIR, env=os.environ | environment(), stderr=subprocess.PIPE, text=True
    )
    # The server starts its workers again and again; whatever it does, the test comes to an end.
    end = threading.Timer(60, process.kill)
    end.start()
    try:
        assert process.stderr is not None
        written = ""
        for line in process.stderr:
            written += line
            if "--workers: Gradio keeps queue and sessions in one process" in line:
                break
            assert "Application startup complete" not in line, written
        else:
            pytest.fail(f"two workers were not refused:\n{written}")
    finally:
        end.cancel()
        process.kill()
        process.communicate(timeout=60)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"APP_PORT": "many"}, "APP_PORT: Input should be a valid integer, unable to parse string as an integer."),
        ({"APP_HOST": "0.0.0.0"}, "APP_HOST: 0.0.0.0 can be reached from other machines. Set APP_PUBLIC=true"),
        ({"WEB_CONCURRENCY": "2"}, "WEB_CONCURRENCY: Gradio keeps queue and sessions in one process"),
        ({"WEB_CONCURRENCY": "two"}, "WEB_CONCURRENCY: Input should be a valid integer"),
        ({"APP_ALLOWED_HOSTS": "example.com"}, "APP_ALLOWED_HOSTS: write a list, such as"),
        ({"APP_CONTENT_SOURCES": "example.com"}, "APP_CONTENT_SOURCES: write an object, such as"),
        ({"APP_CONTENT_SOURCES": '{"img-src": ["*"]}'}, "APP_CONTENT_SOURCES: img-src: '*' is no site. Name one"),
        ({"APP_THEME": "plaid"}, "APP_THEME: there is no theme 'plaid'. Choose one of: "),
    ],
)
def test_a_wrong_setting_is_one_line_and_an_exit_code(variables: dict[str, str], line: str) -> None:
    run = subprocess.run(
        [sys.executable, *TINY],
        cwd=PROJECT_DIR,
        env=os.environ | IMPORTS | environment() | variables,
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
    with pytest.raises(SystemExit) as error:
        read_settings(ServerSettings)
    assert "s3cret" not in str(error.value)


def test_a_list_that_is_no_json_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_CORS_ORIGINS", "https://example.com")
    with pytest.raises(SystemExit, match="APP_CORS_ORIGINS: write a list"):
        read_settings(ServerSettings)


class Own(ServerSettings):
    """Settings of somebody's own app."""

    longest_answer: int = Field(default=500, ge=1)
    colours: tuple[str, ...] = ()


def test_settings_of_your_own_are_read_and_refused_like_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_LONGEST_ANSWER", "7")
    monkeypatch.setenv("APP_COLOURS", '["red"]')
    settings = read_settings(Own)
    assert (settings.longest_answer, settings.colours) == (7, ("red",))
    monkeypatch.setenv("APP_LONGEST_ANSWER", "0")
    with pytest.raises(SystemExit, match=r"^APP_LONGEST_ANSWER: Input should be greater than or equal to 1\. See"):
        read_settings(Own)
    monkeypatch.setenv("APP_COLOURS", "red")
    with pytest.raises(SystemExit, match=r"^APP_COLOURS: write an? "):
        read_settings(Own)


def test_a_setting_that_follows_the_page_may_be_left_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, value in {"": None, "true": True, "false": False}.items():
        monkeypatch.setenv("APP_ALLOW_EVAL", text)
        assert parsed(ServerSettings).allow_eval is value
    monkeypatch.setenv("APP_ALLOW_EVAL", "sometimes")
    with pytest.raises(SystemExit, match="APP_ALLOW_EVAL: Input should be a valid boolean"):
        parsed(ServerSettings)


def test_a_folder_that_would_open_too_much_is_refused(tmp_path: Path) -> None:
    uploads, plain = tmp_path / "uploads", tmp_path / "pictures"
    for folder in (uploads, plain, PROJECT_DIR / "assets"):
        folder.mkdir(exist_ok=True)
    assert problem_with_folder(plain, uploads) == problem_with_folder(PROJECT_DIR / "assets", uploads) == ""
    for folder in (PROJECT_DIR, PROJECT_DIR.parent, Path.home(), Path("/"), tmp_path, uploads, plain / "missing"):
        assert problem_with_folder(folder, uploads)
    for name in ("server", "tests/server"):
        assert "is closed" in problem_with_folder(PROJECT_DIR / name, uploads)
    inside = uploads / "inside"
    inside.mkdir()
    assert "among uploads" in problem_with_folder(inside, uploads)


def test_a_public_folder_that_is_refused_is_one_line(make_settings: MakeSettings) -> None:
    with pytest.raises(ValidationError, match=r"APP_PUBLIC_FOLDERS: .* would open this project"):
        make_settings(public_folders=[PROJECT_DIR])


@pytest.mark.parametrize(
    "source",
    [
        *("https://*.tile.openstreetmap.org", "http://localhost:9000", "wss://example.com/socket"),
        *("https://example.com/a/b.js", "cdn.example.com", "data:", "blob:", "*.example.com"),
    ],
)
def test_sites_that_the_page_may_load_from(make_settings: MakeSettings, source: str) -> None:
    assert make_settings(content_sources={"img-src": [source]}).content_sources == {"img-src": [source]}


@pytest.mark.parametrize(
    "source",
    [
        *("*", "https:", "wss:", "https://", "https://*", "https://*.", "*.com", "https://*.com", "filesystem:"),
        *("'unsafe-eval'", "'self'", '"a.com"', "https://a.com https://b.com", "https://a.com;", "https://a.com,"),
        *("a.com\nx: y", "https://a.com\n", "https://a.com\r", " https://a.com", "", "https://a.com/?x=1", "a.*.com"),
        *("https://a.com:*", "javascript:alert(1)", "https://user@a.com", "https://\u00e4.com"),
    ],
)
def test_what_is_no_site_is_refused(make_settings: MakeSettings, source: str) -> None:
    with pytest.raises(ValidationError) as error:
        make_settings(content_sources={"img-src": ["https://example.com", source]})
    [line] = explain(error.value)
    assert line.startswith(f"APP_CONTENT_SOURCES: img-src: {source!r} is no site. Name one, such as ")


@pytest.mark.parametrize("name", ["default-src", "object-src", "base-uri", "img-src; x", "IMG-SRC", "images"])
def test_what_is_no_directive_is_refused(make_settings: MakeSettings, name: str) -> None:
    with pytest.raises(ValidationError, match=r"APP_CONTENT_SOURCES: there is no directive .* one of: connect-src"):
        make_settings(content_sources={name: []})
    with pytest.raises(ValidationError, match=r"APP_CONTENT_SOURCES: frame-ancestors is APP_FRAME_ANCESTORS\."):
        make_settings(content_sources={"frame-ancestors": ["https://example.com"]})


def test_an_error_of_the_whole_is_shown_without_a_field() -> None:
    with pytest.raises(ValidationError) as error:
        ServerSettings.model_validate([])
    assert explain(error.value)


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "APP_TITLE").write_text("From a file")
    assert ServerSettings(_env_file=None, _secrets_dir=tmp_path).title == "From a file"


def test_uploads_lie_outside_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not module.default_upload_dir().is_relative_to(PROJECT_DIR)
    monkeypatch.delattr("os.getuid", raising=False)
    assert module.default_upload_dir().name.endswith("-user")


def test_every_setting_is_listed_in_the_example_file() -> None:
    example = (PROJECT_DIR / ".env.example").read_text()
    for name, field in ServerSettings.model_fields.items():
        assert f"{field.validation_alias or f'APP_{name.upper()}'}=" in example
