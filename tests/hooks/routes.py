"""The example of routes with rules, in the project that `tests/test_hooks.py` made."""

from collections.abc import Iterator
from typing import Any

import app_routes
import pytest
from fastapi import FastAPI
from server.access import keys
from server.access.identity import User
from starlette.testclient import TestClient

from tests.conftest import MakeSettings
from tests.server.client import browse

KEY, KNOWN = keys.new_key("robot")
PROGRAM = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
def made(make_settings: MakeSettings) -> FastAPI:
    return app_routes.create_app(make_settings(api_keys=KNOWN))


@pytest.fixture
def ada(made: FastAPI) -> Iterator[TestClient]:
    with browse(made) as client:
        yield client


def test_whoever_may_use_the_page_may_come_and_is_known(ada: TestClient) -> None:
    answer = ada.get("/reports/7")
    assert answer.json()["report"] == "number 7"
    assert ada.get("/reports/7", headers=PROGRAM).json()["for"] == "robot"
    assert ada.get("/reports/seven").status_code == 422
    assert ada.get("/reports").status_code == ada.delete("/reports/7").status_code == 404
    assert ada.get("/", headers={"accept": "text/html"}).status_code == 200


def test_a_stranger_comes_to_what_is_for_anyone_alone(made: FastAPI) -> None:
    shut = 401 if made.state.access.known_only else 200
    with TestClient(made, "http://localhost") as stranger:
        assert stranger.get("/reports/status").json() == "fine"
        assert stranger.get("/reports/7").status_code == shut
        for path in ("export", "salaries"):
            assert stranger.get(f"/reports/{path}").status_code in {401, 403}


def test_programs_and_groups_have_theirs(ada: TestClient, made: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    async def manager(_: object) -> User:
        return User("ada", "Ada", groups=("managers",))

    assert ada.get("/reports/export").status_code == ada.get("/reports/salaries").status_code == 403
    assert ada.get("/reports/export", headers=PROGRAM).json() == [1, 2, 3]
    access: Any = made.state.access
    monkeypatch.setattr(access, "identify", manager)
    assert ada.get("/reports/salaries").json() == [4, 5, 6]
