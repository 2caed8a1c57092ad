"""Any request at all, made up by hypothesis: copied into a project and run among its tests."""

import json
import os
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.server.fixtures import MakeApp
from tests.server.test_asked import METHODS as PATH_METHODS
from tests.server.test_asked import assert_read_alike
from tests.server.test_gate import ENDLESS, OPEN, routes
from tests.server.test_malformed import API, METHODS, NAMES, Watched, assert_sensible, http, watched

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2000"))
WHATEVER = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
ROUTES = sorted(OPEN - ENDLESS - {f"{API}queue/data", f"{API}upload_progress"})
TEXT = st.text(max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)
FIELDS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=len(NAMES))
LIKELY = st.fixed_dictionaries(
    {"data": st.lists(JSON, max_size=3), "fn_index": st.integers(-1, 4), "session_hash": TEXT | st.none()}
)
BODIES = st.one_of(
    LIKELY.map(json.dumps).map(str.encode),
    FIELDS.map(json.dumps).map(str.encode),
    JSON.map(json.dumps).map(str.encode),
    st.binary(max_size=200),
    st.binary(max_size=200).map(
        lambda part: (
            b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n' + part + b"\r\n--b--\r\n"
        )
    ),
    st.binary(max_size=200).map(lambda part: b"--b\r\n" + part + b"\r\n--b--\r\n"),
)
KINDS = st.sampled_from(
    [b"application/json"] * 4 + [b"multipart/form-data; boundary=b"] * 2 + [b"text/plain", b"\xff", b""]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["accept", "range", "x-request-id", "if-none-match", "sec-fetch-site", "x-forwarded-host", "cookie"]
    ),
    st.binary(max_size=30).map(lambda value: bytes(sign for sign in value if 32 <= sign != 127)),
    max_size=2,
)
__all__ = ["http", "watched"]


REQUESTS = st.tuples(
    st.sampled_from(ROUTES),
    st.lists(TEXT, min_size=6, max_size=6),
    st.sampled_from(METHODS),
    TEXT,
    HEADERS,
    KINDS,
    BODIES,
)


@WHATEVER
@given(REQUESTS)
def test_whatever_is_sent_the_answer_is_sensible(http: TestClient, watched: Watched, request_: tuple[Any, ...]) -> None:
    path, words, method, query, headers, kind, body = request_
    for word in words:
        path = re.sub(r"\{[^}]+\}", lambda _, word=word: quoted(word), path, count=1)
    sent = headers | ({"content-type": kind} if kind else {})
    answer = http.request(method, f"{path}?{quoted(query)}", content=body, headers=sent, follow_redirects=False)
    assert_sensible(answer, watched)


def quoted(text: str) -> str:
    """Write any text into an address, also half a character and braces."""
    return "".join(f"%{byte:02x}" for byte in text.encode(errors="surrogatepass"))


@pytest.fixture(scope="module")
def known(make_app: MakeApp) -> list[tuple[str, str]]:
    return list(routes(make_app()))


PARTS = st.sampled_from(["call", "v2", "file=", "stream", "heartbeat", "queue", "join", "predict", ""]) | st.text(
    max_size=8
)


@WHATEVER
@given(
    st.sampled_from(PATH_METHODS), st.sampled_from(["", "/gradio_api", "/gradio_api/call"]), st.lists(PARTS, max_size=7)
)
def test_any_path_is_read_as_gradio_reads_it(
    known: list[tuple[str, str]], method: str, prefix: str, parts: list[str]
) -> None:
    assert_read_alike(known, method, prefix + "/" + "/".join(parts))
