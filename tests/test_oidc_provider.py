"""Auth mode `oidc` with the certified provider `oidc-provider`: a rendered project in a browser that is redirected."""

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.conftest import ROOT, render, run
from tests.test_first_start import started

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CLIENT = {"APP_OIDC_CLIENT_ID": "the-app", "APP_OIDC_CLIENT_SECRET": "secret-of-the-app-0123456789-abcdefghij"}


@pytest.fixture(scope="module")
def port() -> int:
    """Find a port for the app: the provider must know its address before it starts."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[str]:
    """Install the provider from npm, as pinned, and start it."""
    assert shutil.which("npm"), "install Node.js 20 or newer: the provider comes from npm"
    folder = shutil.copytree(ROOT / "tests" / "providers", tmp_path_factory.mktemp("provider") / "provider")
    run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
    app = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        ["node", "provider.js"],
        cwd=folder,
        env={"PATH": str(Path(shutil.which("node") or "").parent)}
        | {"REDIRECT_URI": f"{app}/auth/callback", "SIGNED_OUT_URI": f"{app}/login"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline().strip()
        assert line.startswith("http://127.0.0.1:"), line
        yield line
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def app(issuer: str, port: int, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a project with that provider."""
    project = render(template, tmp_path_factory.mktemp("oidc") / "app", {"app_type": "interface", "auth_mode": "oidc"})
    variables = CLIENT | {
        "APP_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "APP_OIDC_ISSUER": issuer,
        "APP_OIDC_SCOPES": "openid profile email groups",
        "APP_ALLOWED_DOMAINS": json.dumps(["example.com"]),
        "APP_ALLOWED_GROUPS": json.dumps(["staff"]),
        "APP_SESSION_SECRET": "only-for-tests-0123456789-abcdefghij",
        "APP_MODEL_WORKERS": "0",
    }
    with started(project, sys.executable, "app.py", port=port, **variables) as url:
        yield url


@pytest.fixture
def context(app: str) -> Iterator[BrowserContext]:
    """Open a browser without cookies, in which only this machine exists."""
    path = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        opened = browser.new_context(base_url=app)
        opened.route(re.compile(r"https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
        yield opened
        browser.close()


def sign_in(page: Page, issuer: str, name: str) -> None:
    """Go through the provider's pages."""
    page.goto("/")
    assert page.url.startswith(issuer)
    page.get_by_placeholder("Enter any login").fill(name)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


@pytest.mark.slow
def test_a_person_signs_in_is_known_and_signs_out_at_the_provider(
    context: BrowserContext, issuer: str, app: str
) -> None:
    page = context.new_page()
    sign_in(page, issuer, "ada")
    expect(page.get_by_text("Signed in as Ada <b>Lovelace</b>")).to_be_visible(timeout=30_000)
    assert page.url == f"{app}/"
    cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies(app) if cookie["name"].startswith("my-")}
    assert list(cookies) == ["my-gradio-app-session"]
    assert httpx.get(f"{app}/config", cookies=cookies).status_code == 200

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert page.url.startswith(f"{app}/login")
    assert httpx.get(f"{app}/config", cookies=cookies).status_code == 401
    # The provider has forgotten the person too: it asks for the name again.
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_placeholder("Enter any login")).to_be_visible()


@pytest.mark.slow
def test_a_person_whom_the_rules_keep_out_may_try_another_account(
    context: BrowserContext, issuer: str, app: str
) -> None:
    page = context.new_page()
    sign_in(page, issuer, "eve")
    expect(page.get_by_role("alert")).to_contain_text("Your groups give no access to this app.")
    assert "my-gradio-app-session" not in {cookie["name"] for cookie in context.cookies(app)}
    page.get_by_role("link", name="Sign in").click()
    page.get_by_placeholder("Enter any login").fill("ada")
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Signed in as Ada")).to_be_visible(timeout=30_000)
