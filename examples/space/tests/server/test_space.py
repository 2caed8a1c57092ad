"""On a Space: what it tells about itself is enough, and the page of the Hub may show the app in a frame."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from server.settings import PROJECT_DIR, ServerSettings
from tests.server.access import ISSUER, settings
from tests.server.fixtures import MakeApp, environment
from tests.server.provider import Provider, Visitor, approve, query_of

SPACE = "me-app.hf.space"


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider()
    with running.serve():
        yield running


def on_a_space(make_app: MakeApp, provider: Provider, **changes: object) -> Visitor:
    """Visit the app where the Space alone says what its address is."""
    app = make_app(**{ISSUER: provider.url, "SPACE_HOST": SPACE, "public_url": f"https://{SPACE}"} | changes)
    return Visitor(app, f"https://{SPACE}")


def test_a_space_says_what_the_app_has_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_HOST", f"{SPACE}, app.example.com")
    monkeypatch.setenv("OAUTH_CLIENT_ID", "from-the-space")
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "secret-of-the-space")
    monkeypatch.setenv("OAUTH_SCOPES", "openid profile")
    monkeypatch.setenv("OPENID_PROVIDER_URL", "https://hub.example.com")
    known = ServerSettings(_env_file=None)
    assert known.public_url == f"https://{SPACE}"
    assert {SPACE, "app.example.com", "localhost"} <= set(known.allowed_hosts)
    assert known.frame_ancestors == ["https://huggingface.co"]
    assert known.oidc_client_id == "from-the-space"
    assert known.oidc_client_secret.get_secret_value() == "secret-of-the-space"
    assert (known.oidc_scopes, known.oidc_issuer) == ("openid profile", "https://hub.example.com")


def test_what_is_set_on_purpose_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_HOST", SPACE)
    monkeypatch.setenv("APP_FRAME_ANCESTORS", "[]")
    monkeypatch.setenv("APP_PUBLIC_URL", "https://app.example.com")
    known = ServerSettings(_env_file=None)
    assert (known.frame_ancestors, known.public_url) == ([], "https://app.example.com")


@pytest.mark.parametrize("hosts", [{}, {"SPACE_HOST": ""}])
def test_elsewhere_nothing_is_loosened(hosts: dict[str, str]) -> None:
    known = settings(**hosts)
    assert (known.frame_ancestors, known.trusted_proxies) == ([], [])
    assert known.oidc_issuer == "https://huggingface.co"


@pytest.mark.parametrize("name", ["OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET"])
def test_without_its_variables_the_app_says_in_one_line_how_to_get_them(name: str) -> None:
    run = subprocess.run(
        [sys.executable, "app.py"],
        cwd=PROJECT_DIR,
        env=os.environ | environment() | {name: ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,  # where it is not refused, it serves
    )
    assert run.returncode == 1
    [line] = run.stderr.strip().splitlines()
    assert line.startswith(f"{name}: missing. ")
    assert "`hf_oauth: true` in the front matter of README.md" in line


def test_a_member_signs_in_from_the_page_of_the_space(make_app: MakeApp, provider: Provider) -> None:
    visitor = on_a_space(make_app, provider, allowed_groups=["staff"])
    page = visitor.http.get("/login?next=/", headers={"sec-fetch-dest": "iframe"})
    assert "frame-ancestors https://huggingface.co;" in page.headers["content-security-policy"]
    assert 'target="_blank"' in page.text
    away = visitor.leave()
    assert query_of(away)["redirect_uri"] == f"https://{SPACE}/auth/callback"
    answer = visitor.http.get(approve(away))
    [session] = [text for text in answer.headers.get_list("set-cookie") if "-session=" in text]
    for attribute in ("Secure", "HttpOnly", "SameSite=none"):
        assert attribute in session
    assert visitor.is_in()


def test_the_proxy_of_the_space_is_believed_that_people_use_https(make_app: MakeApp, provider: Provider) -> None:
    app = on_a_space(make_app, provider).http.app
    forwarded = {"x-forwarded-proto": "https", "host": SPACE, "sec-fetch-dest": "document"}
    for address, prefix in (("10.16.1.2", "__Host-"), ("203.0.113.9", "my-")):
        http = TestClient(app, f"http://{SPACE}", headers=forwarded, client=(address, 5), follow_redirects=False)
        assert http.get("/login?next=/").headers["set-cookie"].startswith(prefix)


def test_a_name_that_anybody_may_give_an_organisation_opens_nothing(make_app: MakeApp, provider: Provider) -> None:
    visitor = on_a_space(make_app, provider, allowed_groups=["The Staff"])
    assert visitor.sign_in().status_code == 403
