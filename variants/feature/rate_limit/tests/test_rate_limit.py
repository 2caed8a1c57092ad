"""Rate limit: one visitor cannot take everything, and is told how long to wait."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from gradio_client import Client
from playwright.sync_api import Browser, expect
from starlette.testclient import TestClient

from server import application, gradio_adapter
from server.access.identity import GUEST, User
from server.access.keys import new_key
from server.features.rate_limit import PARTS, Limits, RateLimit, who
from server.queueing import queue_options
from tests.server.access import headers
from tests.server.client import AppTest, EventError, browse
from tests.server.fixtures import MakeSettings, Serve
from tests.server.page import open_page

KEY, API_KEYS = new_key("robot")
ROBOT = {"Authorization": f"Bearer {KEY}"}
TOLD = r"Too many requests\. Wait \d+ seconds, then try again\."
NOWHERE = "redis://127.0.0.1:1/0"


def limited_app(make_settings: MakeSettings, *, draws: bool = False, **changes: Any) -> FastAPI:  # noqa: ANN401
    """Serve an event that may run twice in an hour, and as many uploads; if somebody `draws`, with an editor."""
    limits = {"rate_limit": "2 per hour", "rate_limit_uploads": "2 per hour", "api_keys": API_KEYS}
    settings = make_settings(**(limits | changes))
    with gr.Blocks(analytics_enabled=False) as demo:
        text, shown = gr.Textbox("hello"), gr.Textbox(label="Shown")
        gr.Button("Shout").click(str.upper, text, shown, api_name="shout")
        gr.File(label="File")
        if draws:
            gr.ImageEditor(label="Canvas")
    demo.queue(**queue_options(settings))
    return application.create_app(demo, settings)


@pytest.fixture
def app(make_settings: MakeSettings) -> FastAPI:
    return limited_app(make_settings)


def start(client: TestClient, **sent: str) -> int:
    """Start an event and give the status."""
    return client.post("/gradio_api/call/shout", json={"data": ["x"]}, headers=sent).status_code


def test_one_event_too_many_is_refused_with_the_time_to_wait(app: FastAPI) -> None:
    with AppTest(app) as test:
        assert test.call("shout", "one") == ["ONE"]
        assert test.call("shout", "two") == ["TWO"]
        with pytest.raises(EventError, match=TOLD):
            test.call("shout", "three")
        for path in ("call/shout", "call/v2/shout", "queue/join", "run/predict"):
            body = {"data": ["x"], "fn_index": 0, "session_hash": test.session}
            refused = test.http.post(f"/gradio_api/{path}", json={"self": "x"} if "v2" in path else body)
            assert refused.status_code == 429, (path, refused.text)
            assert 0 < int(refused.headers["retry-after"]) <= 3600
        assert test.http.get("/config").status_code == 200


def test_uploads_have_a_limit_of_their_own(app: FastAPI, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Bo")
    with AppTest(app) as test:
        test.upload(path)
        test.upload(path)
        with pytest.raises(EventError, match=f"^{TOLD}$"):
            test.upload(path)
        again = {"files": ("letter.txt", b"Dear Bo")}
        assert test.http.post("/gradio_api/upload", files=again).status_code == 429
        assert test.call("shout", "one") == ["ONE"]


def test_whoever_draws_may_send_many_parts_and_no_flood(make_settings: MakeSettings, tmp_path: Path) -> None:
    path = tmp_path / "layer.txt"
    path.write_text("a layer")
    app = limited_app(make_settings, draws=True)
    [canvas] = gradio_adapter.pictures_of_editors(app.state.demo)
    with AppTest(app) as test:
        for _ in range(2 * PARTS):
            test.upload(path)
        with pytest.raises(EventError, match=f"^{TOLD}$"):
            test.upload(path)
        # What the editor itself takes counts as well.
        body = {"session_hash": test.session, "fn_name": "none", "component_id": int(canvas), "data": {}}
        assert test.http.post("/gradio_api/component_server", json=body).status_code == 429


def test_a_program_counts_under_its_name(app: FastAPI) -> None:
    with browse(app) as client:
        assert [start(client) for _ in range(3)] == [200, 200, 429]
        with TestClient(app, base_url="http://localhost") as program:
            assert [start(program, **ROBOT) for _ in range(3)] == [200, 200, 429]


def test_guests_count_by_address_and_behind_a_proxy_by_the_forwarded_one(make_settings: MakeSettings) -> None:
    async def guest(*_: object) -> User:
        return GUEST

    app = limited_app(make_settings, rate_limit="1 per hour", trusted_proxies=["10.0.0.0/8"])
    app.state.access.identify = guest
    with browse(app, client=("10.1.2.3", 5)) as proxied, browse(app, client=("192.0.2.7", 5)) as direct:
        assert start(proxied, **{"x-forwarded-for": "192.0.2.1"}) == 200
        assert start(proxied, **{"x-forwarded-for": "192.0.2.2"}) == 200
        assert start(proxied, **{"x-forwarded-for": "192.0.2.1"}) == 429
        assert start(direct, **{"x-forwarded-for": "192.0.2.8"}) == 200
        assert start(direct, **{"x-forwarded-for": "192.0.2.9"}) == 429


def test_one_visitor_owns_a_whole_network_of_ipv6() -> None:
    def name(address: tuple[str, int] | None, user: User = GUEST) -> str:
        return who({"type": "http", "client": address, "headers": [], "state": {"user": user}})

    assert name(("2001:db8::1", 5)) == name(("2001:db8::2", 5)) == "address:2001:db8::/64"
    assert name(("testclient", 5)) == "address:testclient"
    assert name(None) == "address:"
    assert name(("192.0.2.1", 5), User("ada", "Ada", source="password")) == "password:ada"


def test_what_is_no_request_is_not_counted(make_settings: MakeSettings) -> None:
    seen: list[str] = []

    async def app(scope: Any, *_: object) -> None:  # noqa: ANN401
        seen.append(scope["type"])

    asyncio.run(RateLimit(app, Limits(make_settings()))({"type": "lifespan"}, app, app))
    assert seen == ["lifespan"]


@pytest.mark.parametrize("name", ["rate_limit", "rate_limit_uploads"])
def test_a_limit_that_cannot_be_read_stops_the_start(make_settings: MakeSettings, name: str) -> None:
    with pytest.raises(SystemExit, match=rf"^APP_{name.upper()}: 'often' is no limit\. Write it like this"):
        limited_app(make_settings, **{name: "often"})


def test_without_its_store_a_process_counts_for_itself(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(make_settings(rate_limit="1 per hour", store_url=NOWHERE))

    async def waits() -> list[int]:
        return [await limits.wait(limits.events, "event", name) for name in ("ada", "bo", "ada")]

    first, other, again = asyncio.run(waits())
    assert (first, other) == (0, 0)
    assert 0 < again <= 3600
    assert "counts for itself" in caplog.text


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """Start a real Redis that keeps nothing."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server found: install Redis 7 to try what replicas share")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any("Ready to accept connections" in line for line in process.stdout)
    yield f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.communicate(timeout=20)


def test_replicas_count_together(make_settings: MakeSettings, redis_url: str) -> None:
    async def waits() -> list[int]:
        settings = make_settings(rate_limit="2 per hour", store_url=redis_url)
        one, two = Limits(settings), Limits(settings)
        return [await replica.wait(replica.events, "event", "ada") for replica in (one, two, two, one)]

    first, second, third, fourth = asyncio.run(waits())
    assert (first, second) == (0, 0)
    assert 0 < third <= 3600
    assert 0 < fourth <= 3600


def test_a_client_is_told(make_settings: MakeSettings, serve: Serve) -> None:
    with serve(limited_app(make_settings, rate_limit="1 per hour")) as url:
        client = Client(url, verbose=False, headers=headers())
        assert client.predict("one", api_name="/shout") == "ONE"
        with pytest.raises(Exception, match="429"):
            client.predict("two", api_name="/shout")


def test_a_visitor_reads_how_long_to_wait(browser: Browser, app: FastAPI, serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Bo")
    with serve(app) as url, open_page(browser, url) as page:
        page.goto("/")
        expect(page.get_by_role("button", name="Shout")).to_be_visible()
        with httpx.Client(base_url=url, headers=headers()) as same_visitor:
            for _ in range(2):
                same_visitor.post("/gradio_api/call/shout", json={"data": ["x"]})
                same_visitor.post("/gradio_api/upload", files={"files": ("a.txt", b"a")})
        page.get_by_role("button", name="Shout").click()
        message = page.get_by_text("Too many requests. Wait ")
        expect(message).to_be_visible()
        page.locator("input[type=file]").set_input_files(path)
        expect(message).to_have_count(2)
