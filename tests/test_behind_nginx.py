"""Auth mode `proxy` behind a real nginx that asks for passwords, configured as the README says."""

import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import expect, sync_playwright

from scripts.nginx import free_port, nginx
from scripts.screenshots import BROWSERS
from tests.conftest import render
from tests.test_first_start import started

SECRET = secrets.token_urlsafe(32)
HTML = {"accept": "text/html"}
ADA = ("ada", "correct horse")
CONFIG = """
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    {location}
  }}
}}
"""


def location(project: Path) -> str:
    """Give what the README of a project tells people to put into nginx."""
    readme = (project / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```nginx\n(.*?)```", readme, re.DOTALL)
    assert found, "the README has no configuration for nginx"
    return found[1]


@pytest.fixture(scope="module")
def urls(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Start an app and nginx in front of it; give the address of nginx and the one past it."""
    folder = tmp_path_factory.mktemp("nginx")
    project = render(template, folder / "app", {"app_type": "streaming", "auth_mode": "proxy"})
    passwords = folder / "htpasswd"
    passwords.write_text("ada:{PLAIN}correct horse\nbo:{PLAIN}battery staple\n")
    trust = {"APP_TRUSTED_PROXIES": '["127.0.0.1"]', "APP_PROXY_SECRET": SECRET}
    with started(project, sys.executable, "app.py", **trust) as app:
        text = location(project).replace("http://127.0.0.1:7860", app)
        text = text.replace("/etc/nginx/htpasswd", str(passwords)).replace("the value of APP_PROXY_SECRET", SECRET)
        port = free_port()
        with nginx(CONFIG.format(folder=folder, port=port, location=text), folder, port) as front:
            yield front, app


@pytest.mark.slow
@pytest.mark.xdist_group("behind_nginx")
def test_with_the_right_password_page_and_events_work(urls: tuple[str, str]) -> None:
    front, _ = urls
    assert "gradio_config" in httpx.get(front, auth=ADA, headers=HTML).text
    client = Client(front, verbose=False, httpx_kwargs={"auth": ADA})
    text, *_ = client.predict("How many words are here?", 64, api_name="/stream")
    assert text


@pytest.mark.slow
@pytest.mark.xdist_group("behind_nginx")
def test_with_a_wrong_password_nginx_lets_nothing_through(urls: tuple[str, str]) -> None:
    front, _ = urls
    for auth in (None, ("ada", "wrong"), ("eve", "correct horse")):
        answer = httpx.get(f"{front}/config", auth=auth)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="My app"')
        assert "nginx" in answer.text


@pytest.mark.slow
@pytest.mark.xdist_group("behind_nginx")
@pytest.mark.parametrize("name", ["X-Forwarded-User", "x_forwarded_user", "X-Forwarded-Email", "X-Forwarded-Groups"])
def test_what_a_visitor_says_is_overwritten(urls: tuple[str, str], name: str) -> None:
    front, _ = urls
    sent = [(name, "bo"), (name, "eve"), ("X-Proxy-Secret", "made-up"), ("X-Forwarded-For", "192.0.2.1")]
    assert httpx.get(f"{front}/config", auth=ADA, headers=sent).json()["username"] == "ada"


@pytest.mark.slow
@pytest.mark.xdist_group("behind_nginx")
def test_a_foreign_host_name_of_a_visitor_does_not_reach_the_page(urls: tuple[str, str]) -> None:
    front, _ = urls
    sent = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    assert httpx.get(f"{front}/config", auth=ADA, headers=sent).json()["root"] == front


@pytest.mark.slow
@pytest.mark.xdist_group("behind_nginx")
def test_past_nginx_nobody_comes_in(urls: tuple[str, str]) -> None:
    _, app = urls
    # This machine is where nginx is, so only the secret tells them apart.
    for proof in ({}, {"X-Proxy-Secret": ""}, {"X-Proxy-Secret": "the value of APP_PROXY_SECRET"}):
        for path in ("/", "/config", "/gradio_api/info"):
            answer = httpx.get(f"{app}{path}", auth=ADA, headers={"X-Forwarded-User": "ada"} | proof)
            assert answer.status_code == 401
            assert "through the proxy" in answer.text
    with pytest.raises(Exception, match="credentials"):
        Client(app, verbose=False, httpx_kwargs={"auth": ADA})


@pytest.mark.slow
@pytest.mark.xdist_group("behind_nginx")
def test_a_browser_shows_who_is_signed_in(urls: tuple[str, str]) -> None:
    front, _ = urls
    path = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, password in (ADA, ("bo", "battery staple")):
            spoofed = {"X-Forwarded-User": "eve", "X-Forwarded-Name": "Eve"}
            known = {"username": name, "password": password}
            page = browser.new_page(base_url=front, http_credentials=known, extra_http_headers=spoofed)
            problems: list[str] = []
            page.on("pageerror", lambda error, problems=problems: problems.append(str(error)))
            page.goto("/")
            expect(page.locator("#account")).to_contain_text(f"Signed in as {name}", timeout=20_000)
            page.get_by_role("textbox").first.fill("How many words are here?")
            page.get_by_role("button", name="Run", exact=True).click()
            expect(page.get_by_text(re.compile("per second|tokens/s")).first).to_be_visible(timeout=20_000)
            assert not problems
        browser.close()
