"""The head of a request: bounded in whatever pieces it comes, and read in one way only."""

import re
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from server.protocol import MOST_HEAD, MOST_LINES
from tests.server.fixtures import MakeApp, Serve

HEAD = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n"
LAST = b"connection: close\r\n\r\n"
MB = 1_000_000
WAIT_SECONDS = 20
LINE = b"x-line: value\r\n"
CHUNKED = HEAD.replace(b"GET", b"POST") + b"transfer-encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def url(make_app: MakeApp, serve: Serve) -> Iterator[httpx.URL]:
    with serve(make_app()) as address:
        yield httpx.URL(address)


def answers(url: httpx.URL, *pieces: bytes) -> list[str]:
    """Send pieces over one connection until it is closed, and give the status of each answer that came."""
    received = b""
    with socket.create_connection((url.host, url.port), WAIT_SECONDS) as visitor:
        try:
            for piece in pieces:
                visitor.sendall(piece)
        except OSError:  # The server has closed already; what it said before is still there.
            pass
        try:
            while part := visitor.recv(65536):
                received += part
        except OSError:
            pass
    return [status.decode() for status in re.findall(rb"(?m)^HTTP/1\.1 (\d{3})", received)]


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD, b"x-long: " + b"a" * MB],
        [HEAD, b"x-long: " + b"a" * MB + b"\r\n", LAST],
        [HEAD, b"a" * MB + b": x\r\n", LAST],
        [b"GET /" + b"a" * MB + b" HTTP/1.1\r\nhost: localhost\r\n", LAST],
        [HEAD, LINE * 20_000, LAST],
        [HEAD, *[LINE] * 5_000, LAST],
        [HEAD + LINE * (MOST_LINES + 1) + LAST],
        [HEAD + (b"x-line: " + b"a" * 1000 + b"\r\n") * (2 * MOST_HEAD // 1000) + LAST],
        [HEAD, b"x-long: ", *[b"a" * 1000] * (2 * MOST_HEAD // 1000)],
        [CHUNKED, b"5\r\nhello\r\n0\r\n", b"x-trailer: " + b"a" * MB, LAST],
        [CHUNKED, b"5\r\nhello\r\n0\r\n", LINE * 20_000, LAST],
        [CHUNKED, b"5;" + b"a" * MB + b"\r\nhello\r\n0\r\n\r\n"],
    ],
    ids=[
        "endless",
        "value",
        "name",
        "target",
        "lines",
        "one by one",
        "few",
        "whole",
        "drip",
        "trailer",
        "trailers",
        "extension",
    ],
)
def test_a_head_without_end_is_cut_off(url: httpx.URL, pieces: list[bytes]) -> None:
    # Where a body came before, there may be an answer to that; the connection is closed all the same.
    assert "200" not in answers(url, *pieces, HEAD + LAST)
    assert answers(url, HEAD + LAST) == ["200"]  # and nobody else notices


def test_a_head_is_cut_off_before_it_ends(url: httpx.URL) -> None:
    said = b""
    with socket.create_connection((url.host, url.port), WAIT_SECONDS) as visitor:
        try:
            visitor.sendall(HEAD + b"x-long: " + b"a" * MB)
            while part := visitor.recv(65536):
                said += part
        except ConnectionError:  # A time-out is none: then the server still waits for the end.
            pass
    assert b"408 " not in said, "it was the time that ended it"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\n",
        HEAD + b"host: evil.example\r\n",
        HEAD + b"content-length: 0\r\ntransfer-encoding: chunked\r\n",
        HEAD + b"content-length: 0\r\ncontent-length: 1\r\n",
        b"GET /healthz HTTP/1.0\r\nhost: a\r\nhost: b\r\n",
    ],
    ids=["no host", "two hosts", "two lengths", "two sizes", "old and two hosts"],
)
def test_a_head_that_can_be_read_in_two_ways_is_refused(url: httpx.URL, head: bytes) -> None:
    assert answers(url, head + LAST) == ["400"]


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD + b"x-long: " + b"a" * 30_000 + b"\r\n" + LAST],
        [HEAD + LINE * 150 + LAST],
        [b"GET /healthz HTTP/1.0\r\n\r\n"],
        [HEAD[:20], HEAD[20:], LAST],
        [(HEAD + b"\r\n") * 3 + HEAD + LAST],
    ],
    ids=["long", "many lines", "old and without a host", "pieces", "four at once"],
)
def test_an_honest_head_passes(url: httpx.URL, pieces: list[bytes]) -> None:
    assert set(answers(url, *pieces)) == {"200"}


def test_a_large_body_is_no_head(url: httpx.URL) -> None:
    sent = (
        HEAD.replace(b"GET /healthz", b"POST /gradio_api/upload") + b"content-type: multipart/form-data; boundary=b\r\n"
    )
    body = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n' + b"x" * MB + b"\r\n--b--\r\n"
    whole = sent + b"content-length: %d\r\n" % len(body) + LAST + body
    chunks = sent + b"transfer-encoding: chunked\r\n" + LAST + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    for request in (whole, chunks):
        assert answers(url, request)[0] in {"200", "401", "303"}  # strangers come as far as the gate


def status_of(url: httpx.URL, request: bytes) -> str:
    """Send a request, hang up when the answer begins, and give its status."""
    with socket.create_connection((url.host, url.port), WAIT_SECONDS) as visitor:
        visitor.sendall(request)
        return visitor.recv(12).decode().rpartition(" ")[2]


def test_a_websocket_is_not_counted_for_ever(make_app: MakeApp, serve: Serve) -> None:
    upgrade = (
        b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    with serve(make_app(), trusted_proxies=["192.0.2.1"], connections_per_address=2) as address:
        give_up = time.monotonic() + WAIT_SECONDS
        for _ in range(5):
            # Each visitor hangs up after the answer, which the server hears a moment later.
            while (status := status_of(httpx.URL(address), upgrade)) == "429":
                assert time.monotonic() < give_up, "whoever has hung up is counted"
            assert status
