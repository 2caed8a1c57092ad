"""Sign-ins that must not work, and a provider that is away, slow or broken."""

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from server.access.flows import SIGN_IN_SECONDS
from tests.server.access import CLIENT_ID, ISSUER, headers
from tests.server.fixtures import MakeApp, Serve
from tests.server.provider import DISCOVERY, Provider, Visitor, approve, assert_refused, query_of, without

TOKEN, USERINFO, KEYS = "/oauth2/token", "/userinfo", "/jwks"
MakeSignIn = Callable[..., FastAPI]


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider()
    with running.serve():
        yield running


@pytest.fixture
def make(make_app: MakeApp, provider: Provider) -> MakeSignIn:
    """Make the app with that provider."""
    return lambda **changes: make_app(**({ISSUER: provider.url} | changes))


@pytest.fixture
def visitor(make: MakeSignIn) -> Visitor:
    return Visitor(make())


# What must not work.


@pytest.mark.parametrize("state", ["", "state=", "state=made-up"])
def test_an_answer_that_was_not_asked_for_is_refused(
    visitor: Visitor, caplog: pytest.LogCaptureFixture, state: str
) -> None:
    visitor.leave()
    answer = visitor.http.get(f"/auth/callback?code=1234&{state}")
    assert_refused(answer, 400, "was begun in another browser", caplog)
    assert not visitor.is_in()


def test_an_answer_counts_once_and_in_one_browser(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    back = approve(visitor.leave())
    other = Visitor(visitor.http.app)
    other.leave()
    assert_refused(other.http.get(back), 400, "was begun in another browser", caplog)
    kept = dict(visitor.http.cookies)
    assert visitor.http.get(back).status_code == 303
    assert_refused(visitor.http.get(back), 400, "was used before", caplog)
    # Whoever kept the cookie gets no further: the provider takes its code once.
    visitor.http.cookies.clear()
    visitor.http.cookies.update(kept)
    assert_refused(visitor.http.get(back), 400, "could not be confirmed", caplog)
    assert not visitor.is_in()


def test_a_sign_in_must_not_take_for_ever(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    back = approve(visitor.leave())
    later = time.time() + SIGN_IN_SECONDS
    monkeypatch.setattr("server.access.flows.time", SimpleNamespace(time=lambda: later))
    assert visitor.http.get(back).status_code == 400


def test_a_forged_cookie_is_no_sign_in_under_way(visitor: Visitor) -> None:
    back = approve(visitor.leave())
    for name, value in dict(visitor.http.cookies).items():
        visitor.http.cookies.clear()
        visitor.http.cookies.set(name, value[:-1] + ("A" if value[-1] != "A" else "B"))
    assert visitor.http.get(back).status_code == 400


def test_the_answer_must_be_meant_for_this_sign_in(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    away = visitor.leave()
    other = away.replace(f"nonce={query_of(away)['nonce']}", "nonce=another")
    assert_refused(visitor.http.get(approve(other)), 400, "could not be confirmed", caplog)
    assert "nonce" in caplog.text


def test_the_answer_must_be_meant_for_this_app(
    visitor: Visitor, make: MakeSignIn, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    away = visitor.leave()
    another = Visitor(make(**{CLIENT_ID: "another-app"}))
    elsewhere = another.leave()
    issued: list[dict[str, Any]] = []
    provider.changes[TOKEN] = lambda token: issued.append(token) or token
    another.http.get(approve(elsewhere.replace(query_of(elsewhere)["nonce"], query_of(away)["nonce"])))
    provider.changes[TOKEN] = lambda _: issued[0]
    assert_refused(visitor.http.get(approve(away)), 400, "could not be confirmed", caplog)
    assert "aud" in caplog.text


def test_a_wrong_signature_is_refused_and_the_keys_are_fetched_anew(visitor: Visitor, provider: Provider) -> None:
    provider.changes[TOKEN] = lambda token: token | {"id_token": token["id_token"][:-8] + "AAAAAAAA"}
    assert visitor.sign_in().status_code == 400
    del provider.changes[TOKEN]
    assert visitor.sign_in().status_code == 303
    assert len(provider.questions(KEYS)) == 2


def test_an_answer_without_a_signature_is_refused(visitor: Visitor, provider: Provider) -> None:
    algorithms = "id_token_signing_alg_values_supported"
    provider.changes[DISCOVERY] = lambda facts: facts | {algorithms: ["none", "HS256", "RS256"]}
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    provider.changes[TOKEN] = lambda token: token | {"id_token": f"{head}.{token['id_token'].split('.')[1]}."}
    assert visitor.sign_in().status_code == 400
    provider.changes[TOKEN] = without("id_token")
    assert visitor.sign_in().status_code == 400


def test_both_answers_must_be_about_the_same_person(visitor: Visitor, provider: Provider) -> None:
    provider.changes[USERINFO] = lambda facts: facts | {"sub": "bo"}
    assert visitor.sign_in().status_code == 400
    provider.changes[USERINFO] = without("sub")
    assert visitor.sign_in().status_code == 400


def test_an_endless_name_of_an_account_is_refused(visitor: Visitor) -> None:
    assert visitor.sign_in("x" * 256).status_code == 400


def test_what_the_provider_says_about_an_error_stays_in_the_log(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"error": "access_denied", "error_description": "<script>alert(1)</script>\nforged line"}
    answer = visitor.http.get("/auth/callback", params=said | {"state": query_of(visitor.leave())["state"]})
    assert_refused(answer, 403, "was not completed", caplog)
    assert "alert(1)" not in answer.text
    assert "alert(1)</script>\\nforged" in caplog.text


# A provider that is away, slow or broken.


def test_without_the_provider_sessions_go_on_and_the_rest_recovers(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    running = Provider()
    with running.serve() as url:
        app, fresh = make_app(**{ISSUER: url}), Visitor(make_app(**{ISSUER: url}))
        inside, late = Visitor(app), Visitor(app)
        inside.sign_in()
        back = approve(late.leave())
    assert inside.is_in()
    assert_refused(late.http.get(back), 503, "cannot be reached", caplog)
    assert_refused(fresh.http.get("/login?next=/"), 503, "cannot be reached", caplog)
    with running.serve(int(url.rpartition(":")[2])):
        assert fresh.sign_in().status_code == 303
    assert "Signed out" in inside.http.post("/logout").text
    assert not inside.is_in()


def test_signing_out_does_not_need_the_provider(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        there = {ISSUER: f"http://127.0.0.1:{unused.getsockname()[1]}"}
    visitor = Visitor(make_app(**there))
    visitor.http.headers.update(headers(**there))
    assert visitor.is_in()
    assert "Signed out" in visitor.http.post("/logout").text
    assert "signed out here only" in caplog.text
    assert not visitor.is_in()  # The session has ended on the server: the cookie is still sent.


def test_a_silent_provider_holds_up_nobody_else(make_app: MakeApp, serve: Serve) -> None:
    answers: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        there = {ISSUER: f"http://127.0.0.1:{silent.getsockname()[1]}"}
        with serve(make_app(**there)) as url, httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
            waiting = threading.Thread(target=lambda: answers.append(http.get("/login?next=/").status_code))
            waiting.start()
            asked, _ = silent.accept()
            assert http.get("/config", headers=headers(**there)).status_code == 200
            assert answers == []
            asked.close()
            waiting.join(20)
    assert answers == [503]


def test_a_provider_that_takes_too_long_is_not_waited_for(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("server.access.provider.PROVIDER_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        visitor = Visitor(make_app(**{ISSUER: f"http://127.0.0.1:{silent.getsockname()[1]}"}))
        assert_refused(visitor.http.get("/login?next=/"), 503, "cannot be reached", caplog)
    assert "TimeoutError" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        lambda _: [],
        without("authorization_endpoint"),
        without("issuer"),
        lambda facts: facts | {"issuer": "https://evil.example"},
    ],
)
def test_a_broken_provider_is_no_error_of_the_app(
    visitor: Visitor, provider: Provider, caplog: pytest.LogCaptureFixture, change: Callable[[Any], Any]
) -> None:
    provider.changes[DISCOVERY] = change
    assert_refused(visitor.http.get("/login?next=/"), 503, "cannot be reached", caplog)


@pytest.mark.parametrize("path", [TOKEN, USERINFO, KEYS])
def test_a_broken_answer_is_no_error_of_the_app(visitor: Visitor, provider: Provider, path: str) -> None:
    for broken in ([], "x", None, {}):
        provider.changes[path] = lambda _, broken=broken: broken
        assert visitor.sign_in().status_code in {400, 503}
    assert not visitor.is_in()


def test_a_provider_that_mends_itself_is_asked_anew(visitor: Visitor, provider: Provider) -> None:
    provider.changes[DISCOVERY] = lambda facts: facts | {"issuer": "https://evil.example"}
    assert visitor.http.get("/login?next=/").status_code == 503
    provider.changes.clear()
    assert visitor.sign_in().status_code == 303
