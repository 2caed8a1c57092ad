"""What is sent and started here has an end: sessions, validators, memory, time and connections."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI, HTTPException
from uvicorn.server import ServerState

from server import application, gradio_adapter, running, work
from server.access.identity import User, visitor_of
from server.files import Ledger
from server.queueing import MINUTE, Sessions, queue_options
from tests.server.access import headers
from tests.server.client import AppTest, EventError
from tests.server.fixtures import MakeApp, MakeSettings, Serve

WAIT_SECONDS = 20
HEAD = b"POST /gradio_api/upload HTTP/1.1\r\nhost: localhost\r\n"
FORM = b"content-type: multipart/form-data; boundary=b\r\n"


def from_address(host: str, user: User | None = None) -> dict[str, Any]:
    return {
        "client": (host, 1),
        "state": {"user": user} if user else {},
        "method": "POST",
        "path": "/gradio_api/queue/join",
    }


def test_whom_a_limit_counts_for() -> None:
    assert visitor_of(from_address("192.0.2.1")) == "address:192.0.2.1"
    assert visitor_of(from_address("2001:db8::1")) == visitor_of(from_address("2001:db8::ffff:1"))
    assert visitor_of(from_address("2001:db8:0:1::1")) != visitor_of(from_address("2001:db8::1"))
    assert visitor_of({"state": {}}) == "address:"
    assert visitor_of(from_address("192.0.2.1", User(id="ada", name="Ada", source="password"))) == "password:ada"


# SESSIONS


def test_new_sessions_are_counted_by_visitor_and_together(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    sessions = Sessions(make_settings(new_sessions=3, new_sessions_per_visitor=2))
    one, other = "192.0.2.1", "192.0.2.2"
    request = from_address(one)
    for scope in (request, request, from_address(one)):
        sessions.admit(scope)
    with pytest.raises(HTTPException, match="429"):
        sessions.admit(from_address(one))
    sessions.admit(from_address(other))
    with pytest.raises(HTTPException, match="503"):
        sessions.admit(from_address(other))
    now[0] += MINUTE
    sessions.admit(from_address(one))


def test_a_visitor_who_begins_too_many_sessions_is_told(make_app: MakeApp) -> None:
    with AppTest(make_app(new_sessions_per_visitor=2)) as test:
        for _ in range(3):  # A session that there is counts once.
            test.call("read", None)
        test.another().call("read", None)
        with pytest.raises(EventError, match="too many sessions"):
            test.another().call("read", None)
        test.call("read", None)
        answer = test.http.post("/gradio_api/call/read", json={"data": [None]})
        assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)


def test_events_without_a_queue_count_as_well(make_settings: MakeSettings) -> None:
    settings = make_settings(new_sessions_per_visitor=1)
    with gr.Blocks(analytics_enabled=False) as demo:
        text = gr.Textbox()
        text.change(lambda value: value, text, text, queue=False, api_name="plain")
    demo.queue(**queue_options(settings))
    with AppTest(application.create_app(demo, settings)) as test:
        for session, status in (("one", 200), ("one", 200), ("two", 429)):
            body = {"data": ["x"], "fn_index": 0, "session_hash": session}
            assert test.http.post("/gradio_api/run/predict", json=body).status_code == status


class Slow:
    """A page whose event waits until the test lets it go on."""

    def __init__(self, settings: Any) -> None:  # noqa: ANN401
        self.started, self.go_on = threading.Event(), threading.Event()
        with gr.Blocks(analytics_enabled=False) as demo:
            text, kept = gr.Textbox(), gr.State(0)
            text.submit(self.answer, text, text, api_name="slow", concurrency_limit=None)
            text.change(lambda count: (count + 1, count + 1), kept, [kept, text], api_name="count")
            text.select(lambda value: value, text, text, api_name="quick")
            text.blur(lambda value: value, text, text, validator=self.check, api_name="check")
        demo.queue(**queue_options(settings))
        self.app = application.create_app(demo, settings)

    def answer(self, value: str) -> Iterator[str]:
        """Give half of an answer, and the rest when the test says so."""
        yield "half"
        self.started.set()
        assert self.go_on.wait(WAIT_SECONDS)
        yield value

    def check(self, value: str) -> dict[str, Any]:
        """Wait in front of the queue."""
        self.started.set()
        assert self.go_on.wait(WAIT_SECONDS)
        return gr.validate(is_valid=bool(value), message="")


def join(http: httpx.Client, name: str, session: str, *data: object) -> httpx.Response:
    return http.post(f"/gradio_api/call/{name}", json={"data": data, "session_hash": session})


def inside(app: FastAPI) -> tuple[Any, Any]:
    """Give Gradio's queue and its states."""
    return app.state.demo._queue, app.state.demo.app.state_holder  # noqa: SLF001


def test_a_stream_that_is_read_is_never_let_go(make_settings: MakeSettings, serve: Serve) -> None:
    slow = Slow(make_settings())
    queue, _ = inside(slow.app)
    queue.pending_messages_per_session.max_size = 3
    with serve(slow.app) as url, httpx.Client(base_url=url, headers=headers(), timeout=WAIT_SECONDS) as http:
        event = join(http, "slow", "mine", "whole").json()["event_id"]
        with http.stream("GET", f"/gradio_api/call/slow/{event}") as mine:
            lines = mine.iter_lines()
            assert slow.started.wait(WAIT_SECONDS)
            for number in range(12):  # whose answers nobody reads
                assert join(http, "quick", f"other{number}", "x").status_code == 200
                give_up = time.monotonic() + WAIT_SECONDS
                while set(queue.event_ids_to_events) != {event}:
                    assert time.monotonic() < give_up, "it does not end"
            slow.go_on.set()
            assert any("whole" in line for line in lines)
        assert len(queue.pending_messages_per_session) <= 4
        assert len(queue.pending_event_ids_session) <= 4


def test_the_state_of_an_open_page_is_never_let_go(make_settings: MakeSettings, serve: Serve) -> None:
    slow = Slow(make_settings())
    _, states = inside(slow.app)
    states.capacity = 3

    def count(http: httpx.Client, session: str) -> str:
        event = join(http, "count", session).json()["event_id"]
        return http.get(f"/gradio_api/call/count/{event}").text

    with serve(slow.app) as url, httpx.Client(base_url=url, headers=headers(), timeout=WAIT_SECONDS) as http:
        with http.stream("GET", "/gradio_api/heartbeat/mine") as page:
            assert page.status_code == 200
            assert ', "1"]' in count(http, "mine")
            for number in range(12):
                count(http, f"other{number}")
            assert ', "2"]' in count(http, "mine")
        assert len(states.session_data) <= 4


def test_sessions_that_are_all_in_use_stay(make_app: MakeApp) -> None:
    app = make_app()
    queue, states = inside(app)
    queue.pending_messages_per_session.max_size = states.capacity = 1
    with app.state.work.bounded.sessions.read(["one", "two"]):
        for name in ("one", "two"):
            queue.pending_messages_per_session[name] = asyncio.Queue()
            _ = states[name]
        assert len(queue.pending_messages_per_session) == len(states.session_data) == 2
    assert not app.state.work.bounded.sessions.readers
    states.update("nobody")
    assert len(states.session_data) == 1
    gradio_adapter.drop_session(app.state.demo, "two")  # It has a stream.
    assert gradio_adapter.has_session(app.state.demo, "two")


def test_where_gradio_changed_it_serves_without_that_bound(caplog: pytest.LogCaptureFixture) -> None:
    gradio_adapter.bound("sessions", lambda: gradio_adapter.bound_sessions(Any, Any))  # type: ignore[arg-type]
    assert "this has no bound: sessions" in caplog.text


def test_validators_have_a_limit_of_their_own(make_settings: MakeSettings, serve: Serve) -> None:
    slow = Slow(make_settings(validators=1, validators_per_visitor=2))
    checking = slow.app.state.work.bounded.sessions.checking
    answers: list[int] = []
    with serve(slow.app) as url, httpx.Client(base_url=url, headers=headers(), timeout=WAIT_SECONDS) as http:
        threads = [
            threading.Thread(target=lambda: answers.append(join(http, "check", "s", "x").status_code)) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        give_up = time.monotonic() + WAIT_SECONDS
        while checking.total() < 2:
            assert time.monotonic() < give_up, "they are not checked"
        refused = join(http, "check", "s", "x")
        assert (refused.status_code, "are being checked" in refused.json()["detail"]) == (429, True)
        assert join(http, "quick", "s", "x").status_code == 200
        slow.go_on.set()
        for thread in threads:
            thread.join(WAIT_SECONDS)
    assert answers == [200, 200]
    assert not checking


def test_validators_of_all_visitors_are_bounded(make_settings: MakeSettings) -> None:
    sessions = Sessions(make_settings(queue_size=1))

    async def crowd() -> None:
        async with sessions.validating(from_address("192.0.2.1")):
            with pytest.raises(HTTPException, match="503"):
                async with sessions.validating(from_address("192.0.2.2")):
                    pytest.fail("there was no room")

    asyncio.run(crowd())


# MEMORY


def test_bodies_that_are_coming_in_have_memory_in_common() -> None:
    ledger = Ledger(each=200_000, total=300_000)
    with work.Held(ledger, from_address("192.0.2.1")) as one, work.Held(ledger, from_address("192.0.2.2")) as other:
        assert one.grow(150_000, more=True) is None
        full = one.grow(250_000, more=True)
        assert full is not None
        assert (full.status_code, "APP_BUFFERED_MB_PER_VISITOR" in bytes(full.body).decode()) == (429, True)
        assert one.grow(190_000, more=True) is None
        full = other.grow(150_000, more=False)
        assert full is not None
        assert (full.status_code, "APP_BUFFERED_MB)" in bytes(full.body).decode()) == (503, True)
        assert other.grow(60_000, more=False) is None  # What came in one piece is there already.
        assert ledger.sum == 190_000
    assert (ledger.sum, dict(ledger.of)) == (0, {})


def test_requests_that_do_not_end_take_no_more_than_their_share(make_app: MakeApp, serve: Serve) -> None:
    app = make_app(buffered_mb_per_visitor=1)
    memory = app.state.work.bounded.memory
    sent = "".join(f"{name}: {value}\r\n" for name, value in headers().items()).encode()
    head = b"POST /gradio_api/queue/join HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n" + sent
    with serve(app) as url:
        place = ("127.0.0.1", httpx.URL(url).port)
        with socket.create_connection(place, WAIT_SECONDS) as one, socket.create_connection(place, WAIT_SECONDS) as two:
            one.sendall(head + b"content-length: 3000000\r\n\r\n" + bytes(700_000))
            give_up = time.monotonic() + WAIT_SECONDS
            while memory.sum < 700_000:
                assert time.monotonic() < give_up, "it is not counted"
            two.sendall(head + b"content-length: 3000000\r\n\r\n" + bytes(700_000))
            assert two.recv(20).startswith(b"HTTP/1.1 429")
        while memory.sum:
            assert time.monotonic() < give_up, "it is not given back"


# TIME AND CONNECTIONS


def answer_to(url: str, *pieces: bytes) -> bytes:
    """Send pieces and give all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port), WAIT_SECONDS) as visitor:
        received = b""
        try:
            for piece in pieces:
                visitor.sendall(piece)
            while part := visitor.recv(65536):
                received += part
        except ConnectionError:
            pass
        return received


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"\r\n"],
        [b"GET / HTTP/1.1\r\n"],
        [b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nhost: "],
        [HEAD + FORM + b"content-length: 100\r\n\r\n"],
        [HEAD + FORM + b"content-length: 100\r\n\r\n", b"--b"],
        [HEAD + FORM + b"transfer-encoding: chunked\r\n\r\n2\r\n--"],
    ],
    ids=["idle", "empty line", "head", "second head", "body", "half a body", "chunk"],
)
def test_what_does_not_come_in_time_is_closed(make_app: MakeApp, serve: Serve, pieces: list[bytes]) -> None:
    with serve(make_app(), head_seconds=1, body_seconds=1) as url:
        assert b"HTTP/1.1 408" in answer_to(url, *pieces)


def test_a_body_that_drips_is_closed_and_a_slow_one_passes(make_app: MakeApp, serve: Serve) -> None:
    app = make_app()
    sent = "".join(f"{name}: {value}\r\n" for name, value in headers().items()).encode()
    part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    body = part + bytes(200_000) + b"\r\n--b--\r\n"
    head = HEAD + FORM + sent + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    with serve(app, body_seconds=1) as url:
        place = ("127.0.0.1", httpx.URL(url).port)
        with socket.create_connection(place, WAIT_SECONDS) as slow, socket.create_connection(place) as drip:
            drip.settimeout(0.1)
            slow.sendall(head + body[:100])
            drip.sendall(head)
            answer, dripped, place_in_body = b"", b"", 100
            while b"HTTP/1.1 408" not in answer:  # The slow one goes on for as long as the other lives.
                assert place_in_body < 190_000, "the other is not closed"
                slow.sendall(body[place_in_body : place_in_body + 4000])
                place_in_body += 4000
                try:
                    answer += drip.recv(1000)
                except TimeoutError:
                    drip.sendall(body[len(dripped) : len(dripped) + 1])
                    dripped += b"-"
            slow.sendall(body[place_in_body:])
            assert slow.recv(20).startswith(b"HTTP/1.1 200")


def test_answers_have_all_the_time_they_need(make_settings: MakeSettings, serve: Serve) -> None:
    slow = Slow(make_settings())
    narrow = {"head_seconds": 1, "body_seconds": 1}
    with (
        serve(slow.app, **narrow) as url,
        httpx.Client(base_url=url, headers=headers(), timeout=WAIT_SECONDS) as http,
        http.stream("GET", "/gradio_api/heartbeat/mine") as page,
    ):
        event = join(http, "slow", "mine", "whole").json()["event_id"]
        with http.stream("GET", f"/gradio_api/call/slow/{event}") as stream:
            assert b"408" in answer_to(url)  # which takes longer than a request may
            slow.go_on.set()
            assert any("whole" in line for line in stream.iter_lines())
        assert next(page.iter_lines()) == "data: ALIVE"


def test_a_body_that_the_app_does_not_read_on_is_not_late(make_app: MakeApp, make_settings: MakeSettings) -> None:
    protocol, now = bare(make_app, make_settings, body_seconds=1), [100.0]
    protocol.loop.time = lambda: now[0]
    protocol.coming, protocol.body, protocol.since = True, 16_000, 0.0
    protocol.flow.read_paused = True
    protocol.look()
    assert protocol.deadline() == 101
    assert not protocol.transport.is_closing()
    now[0] = 102.0
    protocol.flow.read_paused = False
    protocol.look()
    assert protocol.transport.is_closing()


def bare(make_app: MakeApp, make_settings: MakeSettings, **changes: Any) -> Any:  # noqa: ANN401
    """Give a protocol without a connection: transport and loop are made up."""
    app = make_app()
    server = running.build_server(app, make_settings(**changes))
    server.config.load()
    transport, loop = MagicMock(), MagicMock()
    transport.get_extra_info.return_value = None
    transport.is_closing.return_value = False
    transport.close.side_effect = lambda: transport.is_closing.configure_mock(return_value=True)
    protocol: Any = server.config.http_protocol_class(server.config, ServerState(), {}, loop)
    loop.time.return_value = 0.0
    protocol.connection_made(transport)
    return protocol


@pytest.mark.parametrize(
    ("limit", "status"),
    [("connections_per_address", b"HTTP/1.1 429"), ("connections", b"HTTP/1.1 503")],
)
def test_an_address_has_only_so_many_connections(make_app: MakeApp, serve: Serve, limit: str, status: bytes) -> None:
    with serve(make_app(), trusted_proxies=["192.0.2.1"], **{limit: 2}) as url:
        place = ("127.0.0.1", httpx.URL(url).port)
        with socket.create_connection(place, WAIT_SECONDS), socket.create_connection(place, WAIT_SECONDS):
            answer = answer_to(url)
            assert answer.startswith(status)
            assert f"APP_{limit.upper()}" in json.loads(answer.partition(b"\r\n\r\n")[2])["detail"]
        give_up = time.monotonic() + WAIT_SECONDS
        while not answer_to(url, b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").startswith(
            b"HTTP/1.1 200"
        ):
            assert time.monotonic() < give_up, "closed connections count still"


def test_a_trusted_proxy_brings_many_connections(make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app(), connections_per_address=1, trusted_proxies=["127.0.0.1"]) as url:
        place = ("127.0.0.1", httpx.URL(url).port)
        with socket.create_connection(place, WAIT_SECONDS), socket.create_connection(place, WAIT_SECONDS):
            assert httpx.get(f"{url}/healthz").status_code == 200
