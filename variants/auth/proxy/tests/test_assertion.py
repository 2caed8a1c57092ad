"""Assertions that a proxy signs: what they must hold, and where the keys come from that check them."""

import asyncio
import base64
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey
from starlette.testclient import TestClient

from server.access import jwks
from server.access.jwks import FRESH_SECONDS, RETRY_SECONDS, UNKNOWN_SECONDS, Keys
from server.access.proxy import build_access
from tests.server.access import CLAIMS, PROXY_KEY, assertion, headers, unsigned, wrong
from tests.server.fixtures import MakeSettings
from tests.server.test_proxy import ADA, from_elsewhere, user_of, visit_through_the_proxy

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
OTHER = ECKey.generate_key("P-256", {"kid": "other"})


@pytest.fixture
def http(make_settings: MakeSettings) -> Iterator[TestClient]:
    with visit_through_the_proxy(make_settings()) as client:
        yield client


def jwks_of(*keys: Any) -> str:  # noqa: ANN401
    """Give what the proxy publishes."""
    return json.dumps({"keys": [key if isinstance(key, dict) else key.as_dict(private=False) for key in keys]})


def ask(http: TestClient, value: str) -> int:
    """Come with an assertion; give the status."""
    return http.get("/me", headers={"X-Assertion": value}).status_code


def test_an_assertion_says_who_is_there(http: TestClient) -> None:
    def user(**claims: Any) -> dict[str, Any]:  # noqa: ANN401
        return user_of(from_elsewhere(http), {"X-Assertion": assertion(**claims)})

    plain = {"id": "ada", "name": "ada@example.com", "email": "ada@example.com", "groups": [], "source": "proxy"}
    assert user() == plain
    assert user(name="Ada", groups=["x", 5, " y "]) == plain | {"name": "Ada", "groups": ["x", "y"]}
    assert user(groups="x, y", aud=["this-app", "other"]) == plain | {"groups": ["x", "y"]}
    assert user(email=None) == plain | {"name": "ada", "email": ""}
    # An assertion may say more than this app knows about.
    assert user(head={"something": "new"}, custom={"a": 1}) == plain


def test_an_assertion_without_the_id_of_its_key_is_checked_with_the_only_key(http: TestClient) -> None:
    claims = CLAIMS | {"exp": int(time.time()) + 60}
    assert ask(http, jwt.encode({"alg": "ES256"}, claims, PROXY_KEY)) == 200
    assert ask(http, jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256"))) == 401


def bad_assertions() -> dict[str, str]:
    now = int(time.time())
    good = assertion()
    message = unsigned("HS256")[:-1]  # the public key, taken for a secret
    by_hmac = base64.urlsafe_b64encode(hmac.digest(PROXY_KEY.as_pem(private=False), message.encode(), "sha256"))
    return {name: sent["X-Assertion"] for name, sent in wrong().items()} | {
        "no expiry": assertion(exp=None),
        "expiry in words": assertion(exp="tomorrow"),
        "not yet": assertion(nbf=now + 3600),
        "from the future": assertion(iat=now + 3600),
        "no issuer": assertion(iss=None),
        "issuer that looks alike": assertion(iss="https://proxy.example/"),
        "no audience": assertion(aud=None),
        "empty audience": assertion(aud=[]),
        "audience that looks alike": assertion(aud="this-app-2"),
        "nobody": assertion(sub=None),
        "empty name": assertion(sub=""),
        "number as name": assertion(sub=7),
        "no algorithm by another name": unsigned("nOnE"),
        "signed with the public key as secret": f"{message}.{by_hmac.decode().rstrip('=')}",
        "another algorithm": assertion(RSA, {"alg": "RS256"}),
        "another algorithm and key": assertion(RSA, {"alg": "RS256", "kid": "rsa"}),
        "unknown key": assertion(OTHER, {"kid": "other"}),
        "key in the head": assertion(OTHER, {"jwk": OTHER.as_dict(private=False)}),
        "odd critical head": f"eyJhbGciOiJFUzI1NiIsImtpZCI6InByb3h5IiwiY3JpdCI6MX0{good[good.index('.') :]}",
        "head that is no object": f"W10{good[good.index('.') :]}",
        "twice": f"{good}, {good}",
        "too long": good + "A" * 150_000,
    }


@pytest.mark.parametrize("name", bad_assertions())
def test_an_assertion_that_does_not_hold_lets_nobody_in(http: TestClient, name: str) -> None:
    assert ask(http, bad_assertions()[name]) == 401
    assert ask(http, assertion()) == 200


def test_two_assertions_are_none(http: TestClient) -> None:
    twice = [("X-Assertion", assertion())] * 2
    assert http.get("/me", headers=twice).status_code == 401
    assert http.get("/me", headers=ADA | {"X-Forwarded-User": "ada"}).status_code == 401


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("ES384", ECKey.generate_key("P-384", {"kid": "k"})), ("RS256", RSAKey.generate_key(2048, {"kid": "k"}))],
)
def test_the_algorithm_is_a_setting(make_settings: MakeSettings, tmp_path: Path, algorithm: str, key: Key) -> None:
    file = tmp_path / "keys.json"
    unusable = [{"kty": "oct", "k": "c2VjcmV0", "kid": "k"}, {"kty": "unknown"}, {"kty": key.key_type, "use": "enc"}]
    file.write_text(jwks_of(*unusable, PROXY_KEY, RSA, key) if algorithm == "ES384" else jwks_of(*unusable, key))
    keys = build_access(make_settings(proxy_jwt_keys=str(file), proxy_jwt_algorithm=algorithm)).way.keys
    assert [key.kid for key in keys.keys] == ["k"]


class KeyServer:
    """Publishes keys over HTTP, as a proxy does."""

    def __init__(self) -> None:
        self.keys: list[Any] = []
        self.answer: str | None = None
        self.status, self.asked = 200, 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.came = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                outer.came.set()
                outer.go_on.wait(30)
                body = (outer.answer or jwks_of(*outer.keys)).encode()
                self.send_response(outer.status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/keys"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def wait_until_asked(self) -> None:
        assert self.came.wait(30)
        self.came.clear()

    def stop(self) -> None:
        self.go_on.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def key_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyServer]:
    monkeypatch.setenv("NO_PROXY", "*")
    publisher = KeyServer()
    publisher.keys = [PROXY_KEY]
    yield publisher
    publisher.stop()


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(jwks, "time", fake)
    return fake


def test_new_keys_are_fetched_when_one_is_unknown_and_old_ones_end(
    make_settings: MakeSettings, key_server: KeyServer, clock: Clock
) -> None:
    new = assertion(OTHER, {"kid": "other"})
    with visit_through_the_proxy(make_settings(proxy_jwt_keys=key_server.url)) as http:
        assert ask(http, "made-up") == 401
        assert key_server.asked == 0
        assert [ask(http, assertion()), ask(http, assertion())] == [200, 200]
        key_server.keys = [OTHER]
        # Not for each one: strangers could make the app ask all the time.
        assert ask(http, new) == 401
        assert key_server.asked == 1
        clock.now += UNKNOWN_SECONDS + 1
        assert [ask(http, new), ask(http, assertion())] == [200, 401]
        assert key_server.asked == 2
        key_server.keys = [PROXY_KEY]
        clock.now += FRESH_SECONDS + 1
        assert [ask(http, new), ask(http, assertion())] == [401, 200]
        assert key_server.asked == 3


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, None),
        (404, None),
        (302, None),
        (200, "no json"),
        (200, "[]"),
        (200, "{}"),
        (200, '{"keys": []}'),
        (200, '{"keys": [5]}'),
        (200, '{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}'),
    ],
)
def test_without_keys_nobody_comes_in(
    make_settings: MakeSettings, key_server: KeyServer, clock: Clock, status: int, answer: str | None
) -> None:
    with visit_through_the_proxy(make_settings(proxy_jwt_keys=key_server.url)) as http:
        key_server.status, key_server.answer = status, answer
        refusal = http.get("/me", headers=headers())
        assert (refusal.status_code, refusal.headers["retry-after"]) == (503, "5")
        assert "cannot be checked" in refusal.json()["detail"]
        assert http.get("/me").status_code == 401
        key_server.status, key_server.answer = 200, None
        assert ask(http, assertion()) == 503
        assert key_server.asked == 1
        clock.now += RETRY_SECONDS + 1
        assert ask(http, assertion()) == 200
        # What comes next is no reason to forget what is known.
        key_server.status, key_server.answer = status, answer
        clock.now += FRESH_SECONDS + 1
        assert ask(http, assertion()) == 200
        assert key_server.asked == 3
        key_server.stop()
        clock.now += FRESH_SECONDS + 1
        assert ask(http, assertion()) == 200


def test_keys_that_take_too_long_are_not_waited_for(
    make_settings: MakeSettings, key_server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "FETCH_SECONDS", 0.05)
    key_server.go_on.clear()
    with visit_through_the_proxy(make_settings(proxy_jwt_keys=key_server.url)) as http:
        assert ask(http, assertion()) == 503


def test_visitors_share_one_fetch_and_known_keys_are_at_hand_meanwhile(key_server: KeyServer, clock: Clock) -> None:
    async def visitors_come() -> None:
        keys = Keys(key_server.url, "ES256")
        key_server.go_on.clear()
        asking = [asyncio.ensure_future(keys.find(kid)) for kid in ["proxy"] * 9 + ["unknown"]]
        await asyncio.to_thread(key_server.wait_until_asked)
        key_server.go_on.set()
        assert [key and key.kid for key in await asyncio.gather(*asking)] == ["proxy"] * 9 + [None]
        assert key_server.asked == 1

        clock.now += FRESH_SECONDS + 1
        key_server.go_on.clear()
        asking = [asyncio.ensure_future(keys.find("proxy"))]
        await asyncio.to_thread(key_server.wait_until_asked)
        assert await keys.find("proxy")
        assert not asking[0].done()
        key_server.go_on.set()
        assert await asking[0]
        await keys.close()

    asyncio.run(visitors_come())
