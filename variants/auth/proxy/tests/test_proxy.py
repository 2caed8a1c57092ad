"""Who comes through the proxy is known by what the proxy says, and nobody else can say it."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import gradio as gr
import pytest
from fastapi import APIRouter
from playwright.sync_api import Browser, expect
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from server import application
from server.access.identity import current_user
from server.access.proxy import RefusedError, build_access, header
from server.settings import ServerSettings
from tests.server.access import KEY, SETTINGS, assertion
from tests.server.fixtures import MakeApp, MakeSettings, Serve
from tests.server.page import PHONE_WIDTH, assert_accessible, assert_fits_a_phone, open_page, visit

SECRET = "only-for-tests-9876543210-zyxwvutsrq"
BY_HEADERS: dict[str, Any] = {
    "proxy_jwt_header": "",
    "proxy_secret": SECRET,
    "proxy_name_header": "X-Forwarded-Name",
    "proxy_email_header": "X-Forwarded-Email",
    "proxy_groups_header": "X-Forwarded-Groups",
    "trusted_proxies": ["10.0.0.0/8", "fd00::1"],
}
PROOF = {"X-Proxy-Secret": SECRET}
ADA = PROOF | {"X-Forwarded-User": "ada"}
HTML = {"accept": "text/html,application/xhtml+xml"}


def me(request: Request) -> JSONResponse:
    return JSONResponse({"user": asdict(current_user(request)), "headers": dict(request.headers)})


@contextmanager
def visit_through_the_proxy(settings: ServerSettings) -> Generator[TestClient]:
    """Ask an app that tells who asks, from the address of the proxy."""
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Textbox()
    router = APIRouter()
    router.add_route("/me", me)
    app = application.create_app(demo, settings, routers=[router])
    with TestClient(app, "http://localhost", client=("10.1.2.3", 5), follow_redirects=False) as client:
        yield client


@pytest.fixture
def http(make_settings: MakeSettings, request: pytest.FixtureRequest) -> Iterator[TestClient]:
    """Visit an app that believes headers; a test can change its settings by its parameter."""
    with visit_through_the_proxy(make_settings(**(BY_HEADERS | getattr(request, "param", {})))) as client:
        yield client


def from_elsewhere(http: TestClient, address: str = "192.0.2.1") -> TestClient:
    """Connect to the same app past the proxy."""
    other = TestClient(http.app, "http://localhost", client=(address, 5))
    other.portal = http.portal
    return other


def user_of(http: TestClient, sent: Any) -> dict[str, Any]:  # noqa: ANN401
    return http.get("/me", headers=sent).json()["user"]


def test_the_proxy_says_who_is_there(http: TestClient) -> None:
    sent = {"X-Forwarded-Name": "Ada L.", "X-Forwarded-Email": "a@example.com", "X-Forwarded-Groups": "x, y z,,"}
    known = {"id": "ada", "name": "Ada L.", "email": "a@example.com", "groups": ["x", "y z"], "source": "proxy"}
    assert user_of(http, ADA | sent) == known
    assert user_of(http, ADA) == known | {"name": "ada", "email": "", "groups": []}
    assert user_of(from_elsewhere(http, "fd00::1"), ADA)["id"] == "ada"


@pytest.mark.parametrize("http", [{"proxy_name_header": "", "proxy_groups_header": ""}], indirect=True)
def test_headers_that_are_not_named_are_not_read(http: TestClient) -> None:
    sent = {"X-Forwarded-Name": "Root", "X-Forwarded-Groups": "admins"}
    assert user_of(http, ADA | sent) == {"id": "ada", "name": "ada", "email": "", "groups": [], "source": "proxy"}


def test_names_are_in_any_script(http: TestClient) -> None:
    assert user_of(http, ADA | {"X-Forwarded-User": "Ädä 你好".encode()})["id"] == "Ädä 你好"
    with pytest.raises(RefusedError, match="UTF-8"):
        header(HTTPConnection({"type": "http", "headers": [(b"name", "Ädä".encode("latin-1"))]}), "name")


def test_the_address_of_the_visitor_is_not_the_address_of_the_proxy(http: TestClient) -> None:
    assert user_of(http, ADA | {"X-Forwarded-For": "192.0.2.1"})["id"] == "ada"
    assert http.get("/me", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 401


@pytest.mark.parametrize("http", [{}, {"proxy_user_header": "Remote-User"}], indirect=True)
@pytest.mark.parametrize("address", ["192.0.2.1", "127.0.0.1", "fd00::2", "::ffff:10.1.2.3", "unknown", ""])
def test_past_the_proxy_even_the_secret_does_not_help(http: TestClient, address: str) -> None:
    spoofed = {
        "Remote-User": "ada",
        "X-Forwarded-For": "10.1.2.3",
        "Forwarded": "for=10.1.2.3",
        "X-Real-IP": "10.1.2.3",
    }
    for path in ("/me", "/", "/config", "/gradio_api/info"):
        assert from_elsewhere(http, address).get(path, headers=ADA | spoofed).status_code == 401


@pytest.mark.parametrize(
    "sent",
    [
        {},
        PROOF,
        PROOF | {"X-Forwarded-User": ""},
        PROOF | {"X-Forwarded-User": "  "},
        {"X-Forwarded-User": "ada"},
        ADA | {"X-Proxy-Secret": ""},
        ADA | {"X-Proxy-Secret": SECRET[:-1]},
        ADA | {"X-Proxy-Secret": SECRET.upper()},
        ADA | {"X-Proxy-Secret": f"{SECRET}, {SECRET}"},
        ADA | {"X-Proxy-Secret": "gehëim".encode()},
        [*ADA.items(), *PROOF.items()],
        [*ADA.items(), ("X-Forwarded-User", "bo")],
        [*ADA.items(), ("X-Forwarded-Groups", "a"), ("X-Forwarded-Groups", "b")],
    ],
)
def test_through_the_proxy_nobody_comes_in_by_half(http: TestClient, sent: Any) -> None:  # noqa: ANN401
    assert http.get("/me", headers=sent).status_code == 401


def test_handlers_do_not_see_the_secret(http: TestClient) -> None:
    assert SECRET not in http.get("/me", headers=ADA).text


def test_the_password_that_the_proxy_asked_for_is_not_taken_for_a_key(http: TestClient) -> None:
    assert user_of(http, ADA | {"Authorization": "Basic YWRhOmFkYQ=="})["id"] == "ada"
    assert http.get("/me", headers=ADA | {"Authorization": "Bearer wrong"}).status_code == 401


BY_ASSERTION: dict[str, Any] = {"proxy_jwt_header": SETTINGS["proxy_jwt_header"], "proxy_secret": ""}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"proxy_secret": ""}, "APP_PROXY_SECRET: missing. Make one: python -c"),
        ({"proxy_secret": "changeme"}, "APP_PROXY_SECRET: too easy to guess. Make one: python -c"),
        ({"trusted_proxies": []}, 'APP_TRUSTED_PROXIES: missing. Name the address of the proxy, such as ["10.0.0.7"]'),
        ({"trusted_proxies": ["nginx"]}, "APP_TRUSTED_PROXIES: 'nginx'"),
        ({"trusted_proxies": ["*"]}, "APP_TRUSTED_PROXIES: '*'"),
        ({"trusted_proxies": ["10.0.0.1/8"]}, "APP_TRUSTED_PROXIES: 10.0.0.1/8"),
        ({"proxy_jwt_header": "X-Assertion"}, "APP_PROXY_SECRET: an assertion needs none"),
        (BY_ASSERTION | {"proxy_jwt_keys": ""}, "APP_PROXY_JWT_KEYS: missing. Set it to"),
        (BY_ASSERTION | {"proxy_jwt_issuer": ""}, "APP_PROXY_JWT_ISSUER: missing. Set it to"),
        (BY_ASSERTION | {"proxy_jwt_audience": ""}, "APP_PROXY_JWT_AUDIENCE: missing. Set it to"),
        (BY_ASSERTION | {"proxy_jwt_keys": "missing.json"}, "APP_PROXY_JWT_KEYS: missing.json cannot be used"),
        (BY_ASSERTION | {"proxy_jwt_keys": __file__}, "Get one: curl"),
        (BY_ASSERTION | {"proxy_jwt_algorithm": "RS256"}, "no public key for RS256"),
        (BY_ASSERTION | {"proxy_jwt_keys": "http://proxy.example/keys"}, "Use https, or a file."),
        (BY_ASSERTION | {"proxy_jwt_keys": "https://proxy.example:x/keys"}, "Use https, or a file."),
        (BY_ASSERTION | {"proxy_jwt_keys": "https:///keys"}, "Use https, or a file."),
        ({"proxy_sign_out_url": "javascript:alert(1)"}, "APP_PROXY_SIGN_OUT_URL: write an address, or a path"),
    ],
)
def test_settings_that_would_let_anybody_in_stop_the_start(
    make_settings: MakeSettings, changes: dict[str, Any], line: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        build_access(make_settings(**(BY_HEADERS | changes)))
    assert line in str(stop.value)
    assert "\n" not in str(stop.value)
    assert SECRET not in str(stop.value)


@pytest.mark.parametrize("algorithm", ["none", "HS256", ""])
def test_only_algorithms_with_public_keys_can_be_set(make_settings: MakeSettings, algorithm: str) -> None:
    with pytest.raises(ValueError, match="ES256"):
        make_settings(proxy_jwt_algorithm=algorithm)


def test_who_comes_past_the_proxy_is_told_where_to_go(http: TestClient) -> None:
    for path in ("/", "/config"):
        page, answer = http.get(path, headers=HTML), http.get(path)
        assert page.status_code == answer.status_code == 401
        assert page.headers["www-authenticate"] == answer.headers["www-authenticate"] == "Bearer"
        assert "Open this app through the proxy" in page.text
        assert "Open this app through the proxy" in answer.json()["detail"]


def test_a_program_with_a_key_needs_no_proxy(http: TestClient) -> None:
    robot = from_elsewhere(http)
    robot.headers["Authorization"] = f"Bearer {KEY}"
    assert robot.get("/me").json()["user"]["source"] == "key"
    assert robot.get("/", headers=HTML).status_code == 403


def test_without_an_address_for_signing_out_the_page_says_so(http: TestClient) -> None:
    page = http.post("/logout", headers=ADA)
    assert page.status_code == 200
    assert "Still signed in" in page.text
    assert "close all windows" in page.text
    assert http.get("/logout", headers=ADA).status_code == 404


@pytest.mark.parametrize("http", [{"proxy_sign_out_url": 'https://proxy.example/out?a=1&b="'}], indirect=True)
def test_signing_out_leads_to_the_proxy(http: TestClient) -> None:
    assert 'url=https://proxy.example/out?a=1&amp;b=&quot;"' in http.post("/logout", headers=ADA).text


def test_the_page_shows_who_is_signed_in_and_leads_out(make_app: MakeApp, serve: Serve, browser: Browser) -> None:
    with serve(make_app(proxy_sign_out_url="/healthz")) as url, visit(browser, url) as page:
        expect(page.locator("#account")).to_contain_text("Signed in as Ada")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{url}/healthz")


def test_a_name_is_shown_as_it_is(make_app: MakeApp, serve: Serve, browser: Browser) -> None:
    name = "<img src=x onerror=document.title='x'> [a](b) $$y$$\n\n# `Ada`"
    sent = {"X-Assertion": assertion(name=name)}
    with serve(make_app()) as url, browser.new_context(base_url=url, extra_http_headers=sent) as context:
        page = context.new_page()
        page.goto("/")
        expect(page.locator("#account strong")).to_have_text(" ".join(name.split()))
        assert page.title() != "x"


def test_the_pages_of_the_proxy_mode_are_for_everybody(make_app: MakeApp, serve: Serve, browser: Browser) -> None:
    with serve(make_app()) as url, open_page(browser, url, PHONE_WIDTH) as page:
        page.goto("/")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading")).to_have_text("Still signed in")
        assert_accessible(page)
        assert_fits_a_phone(page)
        stranger = browser.new_page(base_url=url)
        stranger.goto("/")
        expect(stranger.get_by_role("heading")).to_have_text("Not signed in")
        assert_accessible(stranger)
        assert_fits_a_phone(stranger)
