"""Signing in with a password: what works, and what those who guess get."""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import Browser, expect
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from server import counting
from server.access import passwords
from server.access.identity import User
from server.access.passwords import HASHER, build_access
from server.access.secret import check_secret
from server.access.sessions import Session
from server.settings import ServerSettings
from tests.server.access import HASH, PASSWORD, headers
from tests.server.client import browse
from tests.server.fixtures import MakeApp, MakeSettings, Serve, environment
from tests.server.page import assert_accessible, assert_fits_a_phone

HTML = {"accept": "text/html,application/xhtml+xml"}
RIGHT = {"username": "ada", "password": PASSWORD}
WAIT_SECONDS = 20
"""How long a test waits for what must come; reached only when it fails."""


@pytest.fixture
def http(make_app: MakeApp) -> Iterator[TestClient]:
    """Visit the app as somebody who is not signed in."""
    with TestClient(make_app(), base_url="http://localhost", follow_redirects=False) as client:
        yield client


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    """Give what the browser would send back."""
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_a_visitor_with_many_cookies_is_known_too(http: TestClient) -> None:
    own = cookie_of(http.post("/login", data=RIGHT))["Cookie"]
    http.cookies.clear()
    for others in ("", f"; other={'x' * 8000}"):
        assert http.get("/config", headers={"Cookie": own + others}).status_code == 200
        # Of several headers all count: what was read from one must not be anybody's who sends the same.
        assert http.get("/config", headers=[("Cookie", "a=b"), ("Cookie", own)]).status_code == 200
    assert http.get("/config", headers={"Cookie": "a=b"}).status_code == 401


def test_a_visitor_is_led_to_the_login_page_and_back(http: TestClient) -> None:
    led = http.get("/", headers=HTML)
    assert (led.status_code, led.headers["location"]) == (303, "/login?next=/")
    page = http.get(led.headers["location"], headers=HTML)
    assert 'name="next" value="/"' in page.text
    signed_in = http.post("/login", data=RIGHT | {"next": "/"}, headers=HTML)
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")
    assert http.get("/", headers=HTML).status_code == 200
    assert http.get("/login?next=/config", headers=HTML).headers["location"] == "/config"


def test_the_cookie_is_kept_from_scripts_and_other_sites(make_app: MakeApp) -> None:
    for scheme, name in (("http", ""), ("https", "__Host-")):
        with TestClient(make_app(), base_url=f"{scheme}://localhost") as client:
            facts = client.post("/login", data=RIGHT).headers["set-cookie"]
        assert facts.startswith(f"{name}{ServerSettings.model_fields['session_cookie'].default}=")
        assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=28800"} <= set(facts.split("; "))
        assert ("Secure" in facts.split("; ")) == (scheme == "https")


def test_in_a_frame_of_another_site_the_cookie_is_sent_too(make_app: MakeApp) -> None:
    with TestClient(make_app(frame_ancestors=["https://example.com"]), base_url="https://localhost") as client:
        assert "SameSite=none" in client.post("/login", data=RIGHT).headers["set-cookie"]


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong"), ("eve", PASSWORD), ("ada", ""), ("", ""), ("ada", PASSWORD * 99), ("ada", PASSWORD + " ")],
)
def test_a_wrong_name_and_a_wrong_password_look_the_same(http: TestClient, name: str, password: str) -> None:
    answer = http.post("/login", data={"username": name, "password": password}, headers=HTML)
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert "set-cookie" not in answer.headers


def test_a_name_that_nobody_has_costs_as_much_work(http: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    monkeypatch.setattr(HASHER, "verify", lambda _, known: compared.append(known))
    for name in ("ada", "eve"):
        http.post("/login", data={"username": name, "password": "x"})
    first, second = compared
    assert first.split("$")[:4] == second.split("$")[:4]  # algorithm and cost


def test_what_is_typed_comes_back_harmless(http: TestClient) -> None:
    typed = {"username": '"><script>', "password": "x", "next": '"><script>'}
    assert "<script>" not in http.post("/login", data=typed, headers=HTML).text


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\nb", "evil", ""])
def test_nobody_is_led_to_another_site(http: TestClient, wanted: str) -> None:
    answer = http.post("/login", data=RIGHT | {"next": wanted}, headers=HTML)
    assert answer.headers["location"] == "/"


def test_behind_a_proxy_links_keep_the_path(make_app: MakeApp) -> None:
    app = make_app(root_path="https://example.com/demo/")
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        assert client.get("/", headers=HTML).headers["location"] == "/demo/login?next=/"
        assert 'action="/demo/login"' in client.get("/login").text
        assert client.post("/login", data=RIGHT | {"next": "/x"}, headers=HTML).headers["location"] == "/demo/x"


def test_sign_out_ends_the_session_on_the_server(http: TestClient) -> None:
    old = cookie_of(http.post("/login", data=RIGHT))
    assert http.get("/config", headers=old).status_code == 200
    left = http.post("/logout", headers=old)
    assert (left.status_code, left.headers["location"]) == (303, "/login")
    http.cookies.clear()
    assert http.get("/config", headers=old).status_code == 401
    assert http.get("/logout").status_code == 404
    assert http.post("/logout").status_code == 303


def test_a_sign_in_begins_a_new_session_and_ends_the_one_before(http: TestClient) -> None:
    old = cookie_of(http.post("/login", data=RIGHT))
    http.cookies.clear()
    new = cookie_of(http.post("/login", data=RIGHT, headers=old))
    http.cookies.clear()
    assert new != old
    assert http.get("/config", headers=new).status_code == 200
    assert http.get("/config", headers=old).status_code == 401


@pytest.mark.parametrize("path", ["/login", "/logout"])
@pytest.mark.parametrize("sent", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_forms_of_other_sites_are_refused(http: TestClient, path: str, sent: dict[str, str]) -> None:
    old = cookie_of(http.post("/login", data=RIGHT))
    assert http.post(path, data=RIGHT, headers=old | sent).status_code == 403
    assert http.get("/config", headers=old).status_code == 200


def test_three_hundred_guesses_in_a_row_are_mostly_not_even_looked_at(make_app: MakeApp) -> None:
    with TestClient(make_app(login_limit_address="20 per hour"), base_url="http://localhost") as client:
        answers = [client.post("/login", data={"username": "ada", "password": f"guess {n}"}) for n in range(10)]
        assert {answer.status_code for answer in answers} == {401}
        # From now on the right one does not help either, wherever the visitor claims to come from.
        for n in range(290):
            typed = {"username": "ada" if n % 2 else f"user{n}", "password": PASSWORD}
            answers.append(client.post("/login", data=typed, headers={"x-forwarded-for": f"10.0.0.{n}"}))
        assert sum(answer.status_code == 401 for answer in answers) <= 20
        last = answers[-1]
        assert last.status_code == 429
        assert 0 < int(last.headers["retry-after"]) <= 3600
        page = client.post("/login", data=RIGHT, headers=HTML)
        assert page.status_code == 429
        assert f"Wait {page.headers['retry-after']} seconds" in page.text
        assert client.get("/healthz").status_code == 200


def test_a_failed_sign_in_and_a_closed_throttle_have_a_line_each(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(login_limit="1 per hour")
    with TestClient(app, base_url="http://localhost", client=("203.0.113.7", 5)) as client:
        for _ in range(2):
            client.post("/login", data={"username": "eve\nINFO forged", "password": "s3cret"})
    facts = [vars(record) for record in caplog.records if record.name == "app.refused"]
    assert [(one["reason"], one["visitor"], one["address"]) for one in facts] == [
        ("sign-in", "eve\nINFO forged", "203.0.113.7"),
        ("throttle", "eve\nINFO forged", "203.0.113.7"),
    ]
    assert "Name or password is wrong" in facts[0]["problem"]
    assert "Too many tries" in facts[1]["problem"]
    assert "s3cret" not in caplog.text
    assert "\nINFO forged" not in caplog.text


def test_a_right_password_starts_the_count_anew_and_addresses_count_apart(make_app: MakeApp) -> None:
    app = make_app(login_limit="2 per hour")
    for address in ("192.0.2.1", "192.0.2.2"):
        with TestClient(app, base_url="http://localhost", client=(address, 5)) as client:
            for _ in range(3):
                assert client.post("/login", data=RIGHT | {"password": "x"}).status_code == 401
                assert client.post("/login", data=RIGHT).status_code == 200
            for status in (401, 401, 429):
                assert client.post("/login", data=RIGHT | {"password": "x"}).status_code == status


def test_one_visitor_owns_a_whole_network_of_ipv6() -> None:
    def seen(host: str | None) -> str:
        scope = {"type": "http", "client": (host, 5) if host else None, "headers": []}
        return counting.network_of(HTTPConnection(scope))

    assert seen("2001:db8::1") == seen("2001:db8::2") != seen("2001:db8:0:1::1")
    assert seen("192.0.2.1") == "192.0.2.1"
    assert seen("testclient") == "testclient"
    assert seen(None) == ""


def test_passwords_are_checked_one_at_a_time_and_nobody_else_waits(
    make_app: MakeApp, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, release = threading.Semaphore(0), threading.Event()

    def slow(*_: object) -> bool:
        entered.release()
        return release.wait(30)

    app = make_app()
    monkeypatch.setattr(HASHER, "verify", slow)
    monkeypatch.setattr(passwords, "MOST_WAITING", 2)
    with serve(app) as url, ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(httpx.post, f"{url}/login", data=RIGHT, timeout=30) for _ in range(3)]
        try:
            assert entered.acquire(timeout=WAIT_SECONDS)
            give_up = time.monotonic() + WAIT_SECONDS
            while app.state.access.slot.statistics().tasks_waiting < 2:
                assert httpx.get(f"{url}/healthz").status_code == 200
                assert not entered.acquire(blocking=False)
                assert time.monotonic() < give_up
            refused = httpx.post(f"{url}/login", data=RIGHT)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        finally:
            release.set()
        assert [job.result().status_code for job in jobs] == [200, 200, 200]


def test_gradio_s_client_signs_in(make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app()) as url:
        assert Client(url, verbose=False, auth=("ada", PASSWORD)).config["username"] == "Ada Lovelace"
        with pytest.raises(Exception, match="Invalid credentials"):
            Client(url, verbose=False, auth=("ada", "wrong"))


def test_without_its_store_nobody_can_sign_in(make_app: MakeApp) -> None:
    app = make_app(store_url="redis://127.0.0.1:1")  # nothing listens there
    with browse(app) as client:
        refused = client.post("/login", data=RIGHT)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "Nobody can sign in just now" in refused.text
        assert client.get("/config").status_code == 503
        assert client.get("/login").status_code == 503
        assert client.post("/logout", follow_redirects=False).status_code == 303


def test_groups_that_do_not_fit_into_a_cookie_are_left_out(make_settings: MakeSettings) -> None:
    sessions = build_access(make_settings()).sessions
    user = User("ada", "Ada", groups=tuple(uuid.uuid4().hex for _ in range(200)))
    sealed = sessions.seal(Session("id", user, 2e9))
    assert 1000 < len(sealed) < 4000


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"session_secret": ""}, "APP_SESSION_SECRET: missing. Make one: python -c"),
        ({"session_secret": "changeme"}, "APP_SESSION_SECRET: too easy to guess. Make one: python -c"),
        ({"session_secret": "ab" * 40}, "APP_SESSION_SECRET: too easy to guess"),
        ({"accounts": {}}, "APP_ACCOUNTS: nobody can sign in yet. Make an account: uv run python -m server."),
        ({"accounts": {"ada": "plain text"}}, "APP_ACCOUNTS: the password of 'ada' is not hashed with Argon2"),
        ({"accounts": {"ada": {"name": "Ada"}}}, "APP_ACCOUNTS: 'ada' has no usable entry"),
        ({"accounts_file": Path("missing.toml")}, "APP_ACCOUNTS_FILE: missing.toml cannot be read"),
        ({"login_limit": "often"}, "APP_LOGIN_LIMIT: 'often' is no limit. Write it like this: 10 per 5 minute"),
        ({"api_keys": {"robot": "plain"}}, "APP_API_KEYS: 'robot' is no hash of a key. Make one: uv run python -m"),
    ],
)
def test_a_missing_or_weak_secret_stops_the_start_with_one_line(
    make_settings: MakeSettings, changes: dict[str, object], line: str
) -> None:
    with pytest.raises(SystemExit) as error:
        build_access(make_settings(**changes))
    assert str(error.value).startswith(line)
    assert len(str(error.value).splitlines()) == 1


def test_accounts_can_come_from_a_file(make_app: MakeApp, tmp_path: Path) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text(f"[cy]\nhash = '{HASH}'\nname = 'Cy'\n", encoding="utf-8")
    with TestClient(make_app(accounts_file=file), base_url="http://localhost") as client:
        assert client.post("/login", data=RIGHT | {"username": "cy"}).status_code == 200


def test_the_command_makes_an_account_that_works(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", (tmp_path / "typed").open("w+"))
    passwords.sys.stdin.write("long enough\nshort\n")
    passwords.sys.stdin.seek(0)
    passwords.main(["dora"])
    (tmp_path / ".env").write_text(capsys.readouterr().out)
    for names in (["dora"], [], ["two words"], ["a", "b"]):
        with pytest.raises(SystemExit, match=r"Choose a password|Give one name"):
            passwords.main(names)
    settings = ServerSettings(_env_file=tmp_path / ".env")
    assert check_secret(settings.session_secret.get_secret_value())
    with TestClient(make_app(accounts=settings.accounts), base_url="http://localhost") as client:
        assert client.post("/login", data={"username": "dora", "password": "long enough"}).status_code == 200


def test_the_command_asks_at_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(passwords.sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(passwords.getpass, "getpass", lambda _: "long enough")
    passwords.main(["dora"])
    assert '{"dora": "$argon2id$' in capsys.readouterr().out


def test_the_environment_of_the_tests_starts_the_app() -> None:
    assert set(environment()) >= {"APP_ACCOUNTS", "APP_SESSION_SECRET"}
    assert headers("bo") != headers("ada")


def test_a_person_signs_in_and_out_without_scripts_on_a_phone(
    browser: Browser, make_app: MakeApp, serve: Serve
) -> None:
    with serve(make_app()) as url, browser.new_context(base_url=url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{url}/")


def test_the_page_shows_who_is_signed_in_and_lets_them_go(browser: Browser, make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app()) as url, browser.new_context(base_url=url) as context:
        page = context.new_page()
        page.goto("/")
        assert_accessible(page)
        assert_fits_a_phone(page)
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#account")).to_contain_text("Signed in as Ada Lovelace")
        assert_accessible(page)
        assert_fits_a_phone(page)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.goto("/")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
