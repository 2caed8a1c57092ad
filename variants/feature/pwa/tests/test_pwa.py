"""Installed page: a real browser would install it, also behind a proxy that strips a path."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from starlette.testclient import TestClient

from tests.server.client import browse
from tests.server.fixtures import MakeApp, Serve
from tests.server.page import open_page

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class StripPath:
    """Does what a proxy does that serves the app under a path."""

    def __init__(self, app: "ASGIApp", path: str) -> None:
        self.app, self.path = app, path

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "http":
            outside = not scope["path"].startswith(self.path + "/")
            scope = scope | {"path": "/outside" if outside else scope["path"].removeprefix(self.path)}
        await self.app(scope, receive, send)


@pytest.fixture
def icon(tmp_path: Path) -> Path:
    """Draw a square of the smallest size."""
    path = tmp_path / "icon.png"
    Image.new("RGB", (192, 192), "teal").save(path)
    return path


def manifest_of(page: Page) -> dict[str, Any]:
    """Ask the browser what it has found, and whether it would install the page."""
    session = page.context.new_cdp_session(page)
    found = session.send("Page.getAppManifest")
    assert found["errors"] == []
    errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # Contexts of tests are private windows, in which no page can be installed.
    assert {error["errorId"] for error in errors} <= {"in-incognito"}
    return {"url": found["url"]} | json.loads(found["data"])


@pytest.mark.parametrize("has_icon", [False, True])
def test_a_browser_would_install_the_page(
    browser: Browser, make_app: MakeApp, serve: Serve, icon: Path, *, has_icon: bool
) -> None:
    app = make_app(title="Number Reader", icon=icon if has_icon else None)
    with serve(app) as url, open_page(browser, url) as page:
        page.goto("/")
        found = manifest_of(page)
        assert found["url"] == f"{url}/manifest.json"
        assert found["name"] == "Number Reader"


def test_behind_a_path_that_a_proxy_strips_too(browser: Browser, make_app: MakeApp, serve: Serve) -> None:
    app = make_app(root_path="/demo")
    app.add_middleware(StripPath, path="/demo")
    with serve(app) as url, open_page(browser, url) as page:
        page.goto("/demo/")
        link = page.locator("link[rel=manifest]")
        expect(link).to_have_attribute("href", "/demo/manifest.json")
        assert manifest_of(page)["url"] == f"{url}/demo/manifest.json"


def test_strangers_get_manifest_and_icon_and_no_more(make_app: MakeApp, icon: Path) -> None:
    app = make_app(icon=icon)
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        manifest = client.get("/manifest.json")
        assert manifest.headers["content-type"] == "application/manifest+json"
        [described] = manifest.json()["icons"]
        assert (described["sizes"], described["type"]) == ("192x192", "image/png")
        assert client.get(f"/{described['src']}").content == icon.read_bytes()
        assert client.get("/pwa_icon/192").status_code == 404
        assert client.post("/manifest.json").status_code in {401, 405}
        assert (client.get("/config").status_code == 200) is not app.state.access.known_only


def test_without_an_icon_it_is_gradio_s(make_app: MakeApp) -> None:
    with browse(make_app()) as client:
        [described] = client.get("/manifest.json").json()["icons"]
        answer = client.get(f"/{described['src']}")
    assert answer.headers["content-type"].startswith(described["type"])


def test_an_icon_that_no_browser_takes_stops_the_start(make_app: MakeApp, tmp_path: Path) -> None:
    path = tmp_path / "icon.png"
    with pytest.raises(SystemExit, match=r"^APP_ICON: .* cannot be read as a picture\. Name a square PNG\.$"):
        make_app(icon=path)
    for size, kind in (((100, 100), "PNG"), ((192, 200), "PNG"), ((192, 192), "GIF")):
        Image.new("RGB", size).save(path, kind)
        with pytest.raises(SystemExit, match=rf"is a {kind} of {size[0]} x {size[1]} pixels\. Name a square PNG"):
            make_app(icon=path)
