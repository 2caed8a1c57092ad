"""Routes of your own: the gate takes the rules from the routes themselves."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.requests import HTTPConnection
from starlette.routing import Mount
from starlette.testclient import TestClient

from server.access import keys
from server.access.identity import User, current_user
from server.routes import anyone, group, only_programs, programs
from tests.server.client import browse
from tests.server.fixtures import MakeApp

KEY, KNOWN = keys.new_key("robot")
PROGRAM = {"Authorization": f"Bearer {KEY}"}


def own_routers() -> list[APIRouter]:
    """Make routes of every kind, in routers inside of routers."""
    inside, public, inner = APIRouter(prefix="/items"), APIRouter(prefix="/open", dependencies=[anyone]), APIRouter()

    @inside.get("/{number}")
    async def item(number: int, request: Request) -> dict[str, Any]:
        return {"number": number, "by": current_user(request).name}

    @inside.post("/{number}")
    async def change(number: int, request: Request) -> dict[str, Any]:
        return {"number": number, "sent": len(await request.body())}

    @inside.get("/path/{name:path}")
    async def deep(name: str) -> str:
        return name

    @inside.get("/for/programs", dependencies=[programs])
    async def for_programs() -> str:
        return "hello, program"

    @inside.get("/for/staff", dependencies=[group("staff", "boss")])
    async def for_staff() -> str:
        return "hello, colleague"

    @inner.get("/{word}")
    async def word(word: str) -> str:
        return word

    public.include_router(inner, prefix="/inner")
    inside.routes.append(Mount("/mounted", FastAPI(openapi_url=None)))
    return [inside, public]


@pytest.fixture(scope="module")
def http(make_app: MakeApp) -> Iterator[TestClient]:
    with browse(make_app({"routers": own_routers()}, api_keys=KNOWN)) as client:
        yield client


def test_own_routes_come_before_the_page(http: TestClient) -> None:
    assert http.get("/items/7").json()["number"] == 7
    assert http.get("/items/path/a/b").json() == "a/b"
    assert http.get("/items/seven").status_code == 422
    assert http.get("/", headers={"accept": "text/html"}).status_code == 200


def test_own_routes_know_who_asks(http: TestClient) -> None:
    assert http.get("/items/7", headers=PROGRAM).json()["by"] == "robot"


def test_bodies_of_any_form_reach_own_routes(http: TestClient) -> None:
    for sent in (
        {"content": b"\x00\xff"},
        {"data": {"a": "b"}},
        {"files": {"file": b"x"}},
        {"json": {"path": "/tmp/x"}},
    ):
        assert http.post("/items/7", **sent).json()["sent"] > 0


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/items/7"), ("HEAD", "/items/7"), ("GET", "/items"), ("GET", "/item")]
)
def test_the_rest_stays_closed(http: TestClient, method: str, path: str) -> None:
    answer = http.request(method, path)
    assert answer.status_code == 404
    assert answer.text in {"Not found", ""}


def test_a_mounted_application_takes_what_comes_below_it(http: TestClient) -> None:
    assert http.get("/mounted/any").json() == {"detail": "Not Found"}


def test_other_sites_ask_first_and_cannot_change_anything(make_app: MakeApp) -> None:
    app = make_app({"routers": own_routers()}, cors_origins=["https://friend.example"])
    asks = {"access-control-request-method": "POST", "origin": "https://friend.example"}
    with browse(app) as client:
        assert client.options("/items/7", headers=asks).status_code == 200
        assert client.post("/items/7", headers={"origin": "https://evil.example"}).status_code == 403


def test_strangers_come_to_what_is_for_anyone_and_nowhere_else(http: TestClient) -> None:
    app: Any = http.app
    with TestClient(app, base_url="http://localhost") as stranger:
        assert stranger.get("/open/inner/hello").json() == "hello"
        inside = stranger.get("/items/7").status_code
    assert inside == (401 if app.state.access.known_only else 200)


def test_programs_have_routes_of_their_own(http: TestClient) -> None:
    assert http.get("/items/for/programs", headers=PROGRAM).json() == "hello, program"
    refused = http.get("/items/for/programs")
    assert (refused.status_code, "APP_API_KEYS" in refused.text) == (403, True)


def test_a_group_has_routes_of_its_own(http: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    app: Any = http.app
    for groups, status in (((), 403), (("guests",), 403), (("staff", "guests"), 200)):
        user = User("ada", "Ada", groups=groups)

        async def identify(_: HTTPConnection, user: User = user) -> User:
            return user

        monkeypatch.setattr(app.state.access, "identify", identify)
        answer = http.get("/items/for/staff")
        assert answer.status_code == status, groups
        assert ("This is for members of: staff, boss." in answer.text) == (status == 403)


def test_a_rule_may_be_called_by_itself() -> None:
    request: Any = Request({"type": "http", "headers": [], "state": {"user": User("key:robot", "robot", source="key")}})
    only_programs(request)


@pytest.mark.parametrize("path", ["/", "/{rest:path}", "/config", "/gradio_api/{rest:path}"])
def test_a_route_that_would_hide_the_page_is_refused_at_start(make_app: MakeApp, path: str) -> None:
    router = APIRouter()

    @router.api_route(path, methods=["GET", "POST"])
    async def everything() -> None: ...

    with pytest.raises(SystemExit, match="Give your router a prefix"):
        make_app({"routers": [router]})


def test_a_router_is_read_when_the_app_is_made(make_app: MakeApp) -> None:
    add: Callable[..., Any] = APIRouter().get
    assert add
    with browse(make_app({"routers": [APIRouter(prefix="/empty")]})) as client:
        assert client.get("/empty").status_code == 404


def test_a_rule_of_your_own_opens_nothing_of_the_page(make_app: MakeApp) -> None:
    router = APIRouter(dependencies=[anyone])

    @router.get("/gradio_api/info")
    async def info() -> str:
        return "mine"

    app: Any = make_app({"routers": [router]})
    with TestClient(app, base_url="http://localhost") as stranger:
        assert stranger.get("/gradio_api/info").status_code == (401 if app.state.access.known_only else 200)
