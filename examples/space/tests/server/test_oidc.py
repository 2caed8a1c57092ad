"""Signing in at a provider, being somebody, and signing out: real sign-ins against one on this machine."""

import base64
import hashlib
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect

from server.access.flows import MOST_FLOWS, SIGN_IN_SECONDS
from server.access.oidc import build_access, variable
from server.access.provider import groups_of, text_of
from tests.server.access import CLIENT_ID, CLIENT_SECRET, ISSUER, user_of
from tests.server.fixtures import MakeApp, MakeSettings, Serve
from tests.server.page import assert_accessible, assert_fits_a_phone
from tests.server.provider import DISCOVERY, Provider, Visitor, approve, assert_refused, query_of, without

TOKEN, USERINFO = "/oauth2/token", "/userinfo"
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


# The way in.


def test_a_visitor_signs_in_and_arrives(visitor: Visitor, provider: Provider) -> None:
    away = visitor.leave()
    asked = query_of(away)
    assert away.startswith(f"{provider.url}/oauth2/authorize?")
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    answer = visitor.http.get(approve(away))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert visitor.is_in()
    # The provider can tell that whoever has the code is who asked for it.
    [exchanged] = provider.questions(TOKEN)
    digest = hashlib.sha256(exchanged["code_verifier"].encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_the_way_back_is_the_public_one_whatever_host_was_asked_for(make: MakeSignIn) -> None:
    app = make(allowed_hosts=["*"], public_url="https://app.example.com/demo/")
    away = Visitor(app, "http://evil.example").leave()
    assert query_of(away)["redirect_uri"] == "https://app.example.com/demo/auth/callback"


def test_the_cookie_holds_what_a_user_is_and_nothing_else(visitor: Visitor) -> None:
    visitor.sign_in()
    facts = visitor.http.app.state.access.sessions.signer.loads(visitor.session)
    assert set(facts) == {"id", "user", "ends", "proof"}
    assert facts["user"] == asdict(user_of("ada")) | {"groups": list(user_of("ada").groups)}
    assert "-flow" not in str(visitor.http.cookies)


def test_an_address_without_proof_counts_as_none(visitor: Visitor) -> None:
    visitor.sign_in("bo")
    user = visitor.http.app.state.access.sessions.signer.loads(visitor.session)["user"]
    assert (user["id"], user["name"], user["email"]) == ("bo", "bo", "")


def test_cookies_on_the_way_are_out_of_reach_for_scripts_and_other_sites(make: MakeSignIn) -> None:
    answer = Visitor(make(), "https://localhost").http.get("/login?next=/")
    name, _, attributes = answer.headers["set-cookie"].partition("=")
    assert name.startswith("__Host-")
    for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", f"Max-Age={SIGN_IN_SECONDS}"):
        assert attribute in attributes


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/second", "/second"),
        ("/a?b=c", "/a?b=c"),
        ("", "/"),
        ("second", "/"),
        ("/" + "x" * 200, "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_a_visitor_arrives_in_this_app_only(visitor: Visitor, wanted: str, path: str) -> None:
    away = visitor.http.get("/login", params={"next": wanted}).headers["location"]
    assert visitor.http.get(approve(away)).headers["location"] == path
    # Whoever is signed in already goes straight there.
    assert visitor.http.get("/login", params={"next": wanted}).headers["location"] == path


def test_whoever_comes_by_themselves_gets_a_button(visitor: Visitor) -> None:
    answer = visitor.http.get("/login")
    assert answer.status_code == 200
    assert 'href="/login?next=/"' in answer.text
    assert "_blank" not in answer.text


def test_in_a_frame_the_button_opens_a_tab(make: MakeSignIn) -> None:
    framed = Visitor(make(frame_ancestors=["https://example.com"]))
    answer = framed.http.get("/login?next=/a%22b", headers={"sec-fetch-dest": "iframe"})
    assert 'href="/login?next=/a%22b" target="_blank"' in answer.text
    assert framed.http.get("/login?next=/").status_code == 303
    del framed.http.headers["sec-fetch-dest"]  # an old browser does not say where it shows a page
    assert "_blank" in framed.http.get("/login?next=/").text


def test_a_visitor_may_ask_for_another_account(visitor: Visitor) -> None:
    assert "prompt=login" in visitor.http.get("/login?next=/&prompt=login").headers["location"]
    assert "prompt" not in visitor.http.get("/login?next=/&prompt=none").headers["location"]


def test_several_tabs_may_sign_in_at_once(visitor: Visitor) -> None:
    oldest, *others = [visitor.leave() for _ in range(MOST_FLOWS + 1)]
    assert visitor.http.get(approve(oldest)).status_code == 400
    for away in others:
        assert visitor.http.get(approve(away)).status_code == 303
    assert "-flow" not in str(visitor.http.cookies)


# Sessions.


def test_every_sign_in_is_a_new_session_and_ends_the_old_one(visitor: Visitor, make: MakeSignIn) -> None:
    first, second = visitor.leave(), visitor.leave()
    visitor.http.get(approve(first))
    before = visitor.session
    visitor.http.get(approve(second))
    assert visitor.session != before
    assert visitor.is_in()
    visitor.http.cookies.clear()
    visitor.http.cookies.set(make().state.access.settings.session_cookie, before)
    assert not visitor.is_in()


def test_signing_out_ends_the_session_here_and_at_the_provider(visitor: Visitor, provider: Provider) -> None:
    visitor.sign_in()
    copied = dict(visitor.http.cookies)
    answer = visitor.http.post("/logout")
    [link] = set(re.findall(r'href="(http[^"]+)"', answer.text))
    there = query_of(link.replace("&amp;", "&"))
    assert link.startswith(f"{provider.url}/oauth2/end_session?")
    assert there["client_id"] == "the-app"
    assert there["post_logout_redirect_uri"] == "http://localhost/login"
    assert not visitor.is_in()
    visitor.http.cookies.update(copied)
    assert not visitor.is_in()


def test_signing_out_works_where_the_provider_knows_no_such_thing(visitor: Visitor, provider: Provider) -> None:
    provider.changes[DISCOVERY] = without("end_session_endpoint")
    visitor.sign_in()
    answer = visitor.http.post("/logout")
    assert "Signed out" in answer.text
    assert 'href="/login?next=/"' in answer.text
    assert not visitor.is_in()


def test_what_gradio_has_under_the_same_names_is_closed(visitor: Visitor) -> None:
    visitor.sign_in()
    assert visitor.http.get("/logout").status_code == 404
    assert visitor.http.post("/login", data={"username": "ada", "password": "x"}).status_code == 404
    assert visitor.is_in()


def test_in_a_frame_nobody_is_led_away_after_signing_out(visitor: Visitor) -> None:
    visitor.sign_in()
    answer = visitor.http.post("/logout", headers={"sec-fetch-dest": "iframe"})
    assert 'target="_blank">Sign in, in a new tab' in answer.text
    assert not visitor.is_in()


def test_other_sites_cannot_sign_anybody_out(visitor: Visitor) -> None:
    visitor.sign_in()
    for sent in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        assert visitor.http.post("/logout", headers=sent).status_code == 403
    assert visitor.is_in()


# The rules.


@pytest.mark.parametrize(
    ("rules", "user", "reason"),
    [
        ({"allowed_domains": ["other.example"]}, "ada", "e-mail address"),
        ({"allowed_domains": ["ample.com"]}, "ada", "e-mail address"),
        ({"allowed_domains": ["example.com"]}, "bo", "e-mail address"),  # not proven
        ({"allowed_groups": ["others"]}, "ada", "groups"),
        ({"allowed_groups": ["staff"]}, "bo", "groups"),
        ({"allowed_domains": ["example.com"], "allowed_groups": ["others"]}, "ada", "groups"),
    ],
)
def test_who_may_not_come_in_is_told_why(
    make: MakeSignIn, caplog: pytest.LogCaptureFixture, rules: dict[str, Any], user: str, reason: str
) -> None:
    visitor = Visitor(make(**rules))
    answer = visitor.sign_in(user)
    assert_refused(answer, 403, reason, caplog)
    assert "prompt=login" in answer.text
    assert not visitor.is_in()


@pytest.mark.parametrize(
    "rules",
    [
        {"allowed_domains": ["Example.COM"]},
        {"allowed_domains": ["other.example", "@example.com"], "allowed_groups": ["admins", "others"]},
    ],
)
def test_who_may_come_in_does(make: MakeSignIn, rules: dict[str, Any]) -> None:
    visitor = Visitor(make(**rules))
    assert visitor.sign_in().status_code == 303
    assert visitor.is_in()


def test_many_groups_fit_into_the_cookie_those_that_count_first(make: MakeSignIn, provider: Provider) -> None:
    visitor = Visitor(make(allowed_groups=["last"]))
    access = visitor.http.app.state.access
    many = [*(uuid.uuid4().hex for _ in range(1000)), "last"]
    provider.changes[USERINFO] = lambda facts: facts | {access.settings.oidc_groups_claim: many}
    visitor.sign_in()
    assert visitor.is_in()
    assert len(visitor.session) < 4000
    first, *others = access.sessions.signer.loads(visitor.session)["user"]["groups"]
    assert first == "last"
    assert others == many[: len(others)]


# Facts about people.


def test_a_provider_may_want_the_secret_in_the_form(visitor: Visitor, provider: Provider) -> None:
    methods = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    provider.changes[DISCOVERY] = lambda facts: facts | methods
    assert visitor.sign_in().status_code == 303
    assert provider.questions(TOKEN)[0]["client_secret"] == "of-the-app"


def test_a_provider_may_tell_everything_at_once(visitor: Visitor, provider: Provider) -> None:
    provider.changes[DISCOVERY] = without("userinfo_endpoint")
    assert visitor.sign_in().status_code == 303
    assert provider.questions(USERINFO) == []


@pytest.mark.parametrize(
    ("value", "groups"),
    [
        (["a", "b"], ["a", "b"]),
        ("a", ["a"]),
        (None, []),
        ([1, None, "", ["a"], {}], []),
        ([{"preferred_username": "a", "sub": "1", "name": "x"}, {"sub": "2"}, {"name": "free to choose"}], ["a", "2"]),
        ([{"preferred_username": "a", "securityRestrictions": ["mfa"]}], []),
    ],
)
def test_groups_come_in_several_shapes(value: object, groups: list[str]) -> None:
    assert groups_of({"groups": value}, "groups") == groups


@pytest.mark.parametrize(("value", "text"), [("Ada", "Ada"), ("x" * 321, ""), (["Ada"], ""), (None, "")])
def test_only_sensible_texts_count(value: object, text: str) -> None:
    assert text_of({"name": value}, "name") == text


# ServerSettings.


@pytest.mark.parametrize(
    ("setting", "value", "line"),
    [
        (CLIENT_ID, "", rf"^{variable('oidc_client_id')}: missing\. "),
        (CLIENT_SECRET, "", rf"^{variable('oidc_client_secret')}: missing\. "),
        (ISSUER, "", rf"^{variable('oidc_issuer')}: missing\. "),
        (ISSUER, "http://id.example.com", rf"^{variable('oidc_issuer')}: write https://\.\.\. for id\.example\.com"),
        ("public_url", "", r"^APP_PUBLIC_URL: missing\. Give "),
        ("public_url", "http://app.example.com", r"^APP_PUBLIC_URL: write https://\.\.\. for app\.example\.com"),
        ("public_url", "app.example.com", r"^APP_PUBLIC_URL: 'app.example.com' is no address"),
        ("public_url", "https://", r"^APP_PUBLIC_URL: 'https://' is no address"),
        ("session_secret", "", r"^APP_SESSION_SECRET: missing\. Make one: python -c"),
        ("session_secret", "secret" * 10, r"^APP_SESSION_SECRET: too easy to guess\. Make one: python -c"),
    ],
)
def test_what_is_missing_or_weak_stops_the_start(
    make_settings: MakeSettings, setting: str, value: str, line: str
) -> None:
    with pytest.raises(SystemExit, match=line) as error:
        build_access(make_settings(**{setting: value}))
    assert "\n" not in str(error.value)


# In a browser.


def test_a_person_signs_in_and_out(browser: Browser, make: MakeSignIn, provider: Provider, serve: Serve) -> None:
    app = make()
    with serve(app) as url:
        access = app.state.access
        access.public_url, access.provider.redirect_uri = url, f"{url}/auth/callback"
        context = browser.new_context(base_url=url)
        context.route(re.compile(r"https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
        page = context.new_page()
        page.goto("/login")
        assert_accessible(page)
        assert_fits_a_phone(page)
        page.get_by_role("link", name="Sign in").click()
        page.locator("button[name=sub][value=ada]").click()
        expect(page.get_by_text("Signed in as Ada Lovelace")).to_be_visible()
        assert page.url == f"{url}/"
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="End session").click()
        expect(page.get_by_role("link", name="Sign in")).to_be_visible()
        assert page.url.startswith(f"{url}/login")
        # Opening the app leads straight to the provider, also without scripts.
        plain = browser.new_context(base_url=url, java_script_enabled=False).new_page()
        plain.goto("/")
        assert plain.url.startswith(provider.url)
        plain.goto("/auth/callback?state=made-up")
        expect(plain.get_by_role("alert")).to_be_visible()
        page.goto("/auth/callback?state=made-up")
        assert_accessible(page)
        assert_fits_a_phone(page)
