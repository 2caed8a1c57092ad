"""The gate: what is not on the list is closed, and no answer leaves without its headers."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from starlette.requests import HTTPConnection
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from server import application
from server.access import base, identity, keys
from server.access.base import Access
from server.access.identity import User
from server.gate import Gate
from server.routes import OwnRoutes
from server.security import Security
from server.settings import PROJECT_DIR
from server.work import Work
from tests.server.access import ADDED, PUBLIC
from tests.server.client import AppTest, EventError, browse
from tests.server.fixtures import MakeApp, MakeSettings

OPEN = {
    "/",
    "/assets/{path:path}",
    "/config",
    "/config/",
    "/favicon.ico",
    "/gradio_api/app_id",
    "/gradio_api/app_id/",
    "/gradio_api/call/v2/{api_name}",
    "/gradio_api/call/v2/{api_name}/{event_id}",
    "/gradio_api/call/{api_name}",
    "/gradio_api/call/{api_name}/{event_id}",
    "/gradio_api/cancel",
    "/gradio_api/component_server",
    "/gradio_api/component_server/",
    "/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}",
    "/gradio_api/file={path_or_url:path}",
    "/gradio_api/heartbeat/{session_hash}",
    "/gradio_api/info",
    "/gradio_api/info/",
    "/gradio_api/queue/data",
    "/gradio_api/queue/join",
    "/gradio_api/reset",
    "/gradio_api/reset/",
    "/gradio_api/run/{api_name}",
    "/gradio_api/stream/{event_id}",
    "/gradio_api/stream/{event_id}/close",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
    "/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}",
    "/gradio_api/theme.css",
    "/gradio_api/upload",
    "/gradio_api/upload_progress",
    "/healthz",
    "/manifest.json",
    "/readyz",
    "/robots.txt",
    "/static/{path:path}",
    "/svelte/{path:path}",
    "/theme.css",
}
"""Every route that answers. A route that Gradio or you add is closed until it is let through on purpose."""

CLOSED = {"Not found", '{"detail":"Not found"}'}
"""What a closed path answers, outside of Gradio's API and in it."""

ENDLESS = {"/gradio_api/heartbeat/{session_hash}"}


@pytest.fixture(scope="module")
def http(make_app: MakeApp) -> Iterator[TestClient]:
    with browse(make_app()) as client:
        yield client


def routes(app: Any, prefix: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Ask an application for its own routes, each as a method and a path."""
    for route in app.routes:
        if isinstance(route, Mount):
            yield from routes(route.app, prefix + route.path)
        elif hasattr(route, "original_router"):  # how FastAPI keeps an included router
            yield from routes(route.original_router, prefix)
        elif isinstance(route, Route):
            for method in set(route.methods or ()) - {"HEAD"}:
                yield method, prefix + route.path


def test_a_sweep_over_all_routes_finds_only_the_listed_ones_open(make_app: MakeApp) -> None:
    app = make_app()
    assert {path for _, path in routes(app)} > OPEN
    with browse(app) as client:
        answers = {route: client.request(*route).text for route in routes(app) if route[1] not in ENDLESS}
    assert {path for (_, path), text in answers.items() if text not in CLOSED} == (OPEN | PUBLIC | ADDED) - ENDLESS


@pytest.mark.parametrize(
    "path",
    [
        "/monitoring",
        "/monitoring/summary",
        "/openapi.json",
        "/docs",
        "/gradio_api/openapi.json",
        "/gradio_api/runs",
        "/gradio_api/deep_link",
        "/gradio_api/mcp/sse",
        "/gradio_api/proxy=https://example.com",
        "/gradio_api/dev/reload",
        "/.env",
        "/%2f",
        "/config/../openapi.json",
        "/%2e%2e/openapi.json",
    ],
)
def test_what_visitors_do_not_need_is_closed(http: TestClient, path: str) -> None:
    assert http.get(path).status_code == 404


def test_websockets_are_refused(http: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), http.websocket_connect("/gradio_api/queue/join"):
        pass


@pytest.mark.parametrize("path", ["/", "/healthz", "/config", "/openapi.json", "/gradio_api/queue/join"])
def test_every_answer_has_the_security_headers(http: TestClient, path: str) -> None:
    headers = http.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "strict-transport-security" not in headers


def test_another_site_may_show_the_app_in_a_frame_if_it_is_named(make_app: MakeApp) -> None:
    app = make_app(frame_ancestors=["https://example.com"], allow_eval=False)
    with browse(app, base_url="https://localhost") as client:
        headers = client.get("/").headers
    assert "frame-ancestors https://example.com;" in headers["content-security-policy"]
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert "x-frame-options" not in headers
    assert "strict-transport-security" in headers


def test_evaluating_strings_is_allowed_only_by_the_setting(make_app: MakeApp) -> None:
    with browse(make_app(allow_eval=True)) as client:
        assert "'unsafe-eval'" in client.get("/").headers["content-security-policy"]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", ""])
def test_unknown_host_names_are_refused(http: TestClient, host: str) -> None:
    assert http.get("/", headers={"host": host}).status_code == 400
    assert http.get("/healthz", headers={"host": host}).status_code == 200


def test_a_whole_domain_can_be_allowed(make_app: MakeApp) -> None:
    with browse(make_app(allowed_hosts=["*.example.com"])) as client:
        assert client.get("/", headers={"host": "a.example.com:8080"}).status_code == 200
        assert client.get("/", headers={"host": "example.org"}).status_code == 400
    with browse(make_app(allowed_hosts=["*"])) as client:
        assert client.get("/", headers={"host": "anything"}).status_code == 200


def test_forwarded_headers_are_believed_from_trusted_proxies_only(make_app: MakeApp) -> None:
    forwarded = {"x-forwarded-host": "localhost:99", "x-forwarded-proto": "https"}
    with browse(make_app()) as client:
        assert client.get("/config", headers=forwarded).json()["root"] == "http://localhost"
    app = make_app(trusted_proxies=["10.0.0.0/8"])
    with browse(app, client=("10.1.2.3", 5)) as client:
        assert client.get("/config", headers=forwarded).json()["root"] == "https://localhost:99"
        assert client.get("/config", headers={"x-forwarded-host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost"}, 200),
        ({"sec-fetch-site": "same-origin", "origin": "http://localhost"}, 200),
        ({"origin": "https://friend.example"}, 200),
        ({"sec-fetch-site": "cross-site", "origin": "https://friend.example"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_pages_of_other_sites_cannot_change_anything(make_app: MakeApp, headers: dict[str, str], status: int) -> None:
    app = make_app(cors_origins=["https://friend.example"])
    with browse(app) as client:
        assert client.post("/gradio_api/reset", json={"event_id": ""}, headers=headers).status_code == status


def test_other_sites_cannot_read_answers(make_app: MakeApp) -> None:
    with browse(make_app(allowed_hosts=["app.example"]), base_url="http://app.example") as client:
        answer = client.get("/config", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in answer.headers


def test_large_requests_are_refused_with_and_without_a_length(make_app: MakeApp) -> None:
    app = make_app(max_request_kb=1, max_upload_mb=1)
    with browse(app) as client:
        large = b"x" * 2_000_001
        for path in ("/gradio_api/queue/join", "/gradio_api/upload"):
            kind = {"content-type": "multipart/form-data; boundary=b" if "upload" in path else "application/json"}
            assert client.post(path, content=large, headers=kind).status_code == 413
            # Each file is within Gradio's own limit, all together are not.
            part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n%b\r\n' % large[:900_000]
            pieces = iter([part] * 3 + [b"--b--\r\n"])
            assert client.post(path, content=pieces, headers=kind).status_code == 413
            bad = kind | {"content-length": "-1"}
            assert client.post(path, content=b"x", headers=bad).status_code == 413


def test_a_file_over_the_limit_gets_a_readable_message(make_app: MakeApp, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(b"x" * 1_500_000)
    with AppTest(make_app(max_upload_mb=1)) as test, pytest.raises(EventError, match="size"):
        test.upload(path)


def test_an_upload_that_breaks_off_is_an_error_of_its_own(make_app: MakeApp) -> None:
    with AppTest(make_app()) as test:
        answer = test.http.post("/gradio_api/upload", content=b"x", headers={"content-type": "multipart/form-data"})
        assert answer.status_code >= 400


def bare_gate(make_settings: MakeSettings, app: Any) -> Gate:  # noqa: ANN401
    """Put the gate in front of an application that is no Gradio app."""
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Textbox()
    settings = make_settings()
    security = Security(settings, may_eval=False)
    return Gate(
        app, settings=settings, work=Work(demo, settings), access=Access(settings), own=OwnRoutes(), security=security
    )


def post(path: str) -> dict[str, Any]:
    head = [(b"host", b"localhost"), (b"content-type", b"multipart/form-data; boundary=b")]
    return {"type": "http", "method": "POST", "path": path, "headers": head, "scheme": "http", "client": ("1.2.3.4", 5)}


def test_a_visitor_who_leaves_while_sending_costs_nothing(make_settings: MakeSettings) -> None:
    reached: list[bool] = []

    async def app(*_: object) -> None:
        reached.append(True)

    async def leave() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    gate = bare_gate(make_settings, app)
    asyncio.run(gate(post("/gradio_api/queue/join"), leave, app))
    assert reached == []
    assert gate.work.open == 0


def test_errors_behind_the_gate_pass_it(make_settings: MakeSettings) -> None:
    async def app(*_: object) -> None:
        raise ConnectionError("broken")

    async def nothing() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ConnectionError):
        asyncio.run(bare_gate(make_settings, app)(post("/gradio_api/upload"), nothing, app))


def test_the_way_past_the_queue_is_closed(make_app: MakeApp) -> None:
    with AppTest(make_app()) as test:
        for path in ("/gradio_api/run/fetch", "/gradio_api/api/fetch", "/gradio_api/run/predict"):
            answer = test.http.post(path, json={"data": ["x"], "fn_index": 0, "session_hash": "s"})
            assert answer.status_code == 404


def test_unknown_and_private_events_are_refused_by_name(make_app: MakeApp) -> None:
    with AppTest(make_app()) as test:
        for name in ("missing", "hidden"):
            with pytest.raises(EventError, match="There is no event"):
                test.call(name, "x")


def test_files_of_the_server_are_neither_taken_nor_given(make_app: MakeApp) -> None:
    with AppTest(make_app()) as test:
        for path in ("/etc/passwd", str(PROJECT_DIR / "pyproject.toml")):
            with pytest.raises(EventError):
                test.call("fetch", path)
            with pytest.raises(EventError):
                test.call("read", {"path": path, "meta": {"_type": "gradio.FileData"}})
            assert test.http.get(f"/gradio_api/file={path}").status_code in {403, 404}


def test_without_the_launch_mark_files_of_the_server_would_be_given(make_app: MakeApp) -> None:
    app = make_app()
    app.state.demo.has_launched = False
    with AppTest(app) as test:
        assert test.call("read", {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}})


@pytest.mark.filterwarnings("ignore:SSR mode")
def test_pages_of_a_multipage_app_are_open(make_settings: MakeSettings) -> None:
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Textbox()
    with demo.route("Second", "second"):
        gr.Textbox()
    with browse(application.create_app(demo, make_settings())) as client:
        assert client.get("/second").status_code == 200


def test_a_program_has_the_name_of_its_key(make_app: MakeApp) -> None:
    key, known = keys.new_key("robot")
    with TestClient(make_app(api_keys=known), base_url="http://localhost") as client:
        assert client.get("/config", headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert client.get("/", headers={"Authorization": f"Bearer {key}"}).status_code == 403
        refused = client.get("/config", headers={"Authorization": "Bearer wrong"})
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


def test_a_key_that_is_no_hash_stops_the_start(make_settings: MakeSettings) -> None:
    with pytest.raises(SystemExit, match=r"Make one: uv run python -m server\.access\.keys robot"):
        Access(make_settings(api_keys={"robot": "plain"}))


def test_the_command_makes_a_key_that_works(make_settings: MakeSettings, capsys: pytest.CaptureFixture[str]) -> None:
    keys.main(["nightly-report"])
    sent, needed = capsys.readouterr().out.splitlines()
    known = json.loads(needed.partition("=")[2].strip("'"))
    user = Access(make_settings(api_keys=known)).program(sent.rpartition(" ")[2])
    assert user == User("key:nightly-report", "nightly-report", source="key")
    for names in ([], ["a", "b"], ["two words"]):
        with pytest.raises(SystemExit, match="Give one name"):
            keys.main(names)


def test_everybody_is_a_guest_where_nobody_signs_in(make_settings: MakeSettings) -> None:
    access = base.build_access(make_settings())
    request = HTTPConnection({"type": "http", "headers": [], "state": {}})
    assert asyncio.run(access.identify(request)) == identity.current_user(request) == identity.GUEST
    assert (access.name_of(request), identity.GUEST.owner) == ("Guest", "none:guest")
    assert asyncio.run(access.owns(identity.GUEST, {"s"}, {"/x"}))
    assert asyncio.run(access.close()) is None


def test_only_browsers_are_led_to_a_login_page(make_settings: MakeSettings) -> None:
    access = Access(make_settings(root_path="/demo"))
    access.login_path = "/login"
    scope: dict[str, Any] = post("/") | {"method": "GET", "query_string": b"", "server": ("localhost", 80)}
    assert access.challenge(HTTPConnection(scope), None).status_code == 401
    led = access.challenge(HTTPConnection(scope | {"headers": [(b"accept", b"text/html")]}), None)
    assert (led.status_code, led.headers["location"]) == (303, "/demo/login?next=/")


def test_what_belongs_to_somebody_else_is_refused(make_app: MakeApp) -> None:
    async def owns(_user: User, ids: frozenset[str], *_: object) -> bool:
        return "other" not in ids

    app = make_app()
    app.state.access.owns = owns
    with browse(app) as client:
        for session, status in (("mine", 200), ("other", 403)):
            body = {"data": ["x"], "session_hash": session}
            assert client.post("/gradio_api/call/fetch", json=body).status_code == status


def test_other_sites_ask_first_without_credentials(make_app: MakeApp) -> None:
    asks = {"access-control-request-method": "POST", "sec-fetch-site": "cross-site"}
    with TestClient(make_app(cors_origins=["https://friend.example"]), base_url="http://localhost") as client:
        for origin, status in (("https://friend.example", 200), ("https://evil.example", 400)):
            answer = client.options("/gradio_api/queue/join", headers=asks | {"origin": origin})
            assert answer.status_code == status


def test_a_question_that_no_browser_asks_ends_at_the_gate(make_app: MakeApp) -> None:
    with browse(make_app()) as client:
        for path in ("/", "/config", "/healthz", "/gradio_api/queue/join", "/gradio_api/upload", "/made-up"):
            assert client.options(path).status_code == 404


def test_while_the_store_is_away_nobody_is_let_in(make_app: MakeApp) -> None:
    async def cannot(*_: object) -> None:
        raise identity.StoreDownError

    app = make_app()
    app.state.access.identify = cannot
    with browse(app) as client:
        refused = client.get("/config")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
