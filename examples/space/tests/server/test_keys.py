"""Programs with a key: each is somebody of its own, in every auth mode, also where visitors are all the same."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from fastapi import FastAPI

from server import application
from server.access import base
from server.access.base import Belongings
from server.access.identity import GUEST
from server.access.keys import new_key
from server.queueing import queue_options
from tests.server.client import AppTest, EventError, browse
from tests.server.fixtures import MakeSettings

KEYS = {name: new_key(name) for name in ("robot", "clerk")}
API_KEYS = {name: digest for _, known in KEYS.values() for name, digest in known.items()}


def keep(kept: str, new: str) -> tuple[str, str]:
    return new, kept


@pytest.fixture
def app(make_settings: MakeSettings) -> FastAPI:
    """Serve events that keep state, take files and give them."""
    settings = make_settings(api_keys=API_KEYS)
    with gr.Blocks(analytics_enabled=False) as demo:
        text, file, state = gr.Textbox(), gr.File(), gr.State("")
        text.input(keep, [state, text], [state, text], api_name="keep")
        file.upload(lambda path: Path(path).read_text(), file, text, api_name="read")
        text.change(lambda value: value, text, file, api_name="give")
    demo.queue(**queue_options(settings))
    return application.create_app(demo, settings)


def with_key(test: AppTest, name: str) -> AppTest:
    """Be a program, and nobody else."""
    test.http.headers.clear()
    test.http.headers["Authorization"] = f"Bearer {KEYS[name][0]}"
    return test


@pytest.fixture
def robot(app: FastAPI) -> Iterator[AppTest]:
    with AppTest(app) as test:
        yield with_key(test, "robot")


@pytest.fixture
def others(robot: AppTest) -> list[AppTest]:
    """Be another program, and a visitor."""
    return [with_key(robot.another(), "clerk"), robot.another()]


def test_what_a_program_keeps_is_its_own(robot: AppTest, others: list[AppTest]) -> None:
    robot.call("keep", None, "secret")
    for other in others:
        other.session = robot.session
        with pytest.raises(EventError, match="somebody else"):
            other.call("keep", None, "")
        for path in (f"queue/data?session_hash={robot.session}", f"heartbeat/{robot.session}"):
            assert other.http.get(f"/gradio_api/{path}").status_code == 403
    assert robot.call("keep", None, "")[-1] == "secret"


def test_an_event_of_a_program_is_read_by_it_alone(robot: AppTest, others: list[AppTest]) -> None:
    event = robot.http.post("/gradio_api/call/keep", json={"data": [None, "x"]}).json()["event_id"]
    for other in others:
        assert other.http.get(f"/gradio_api/call/keep/{event}").status_code == 403
        body = {"session_hash": "s", "event_id": event, "fn_index": 0}
        assert other.http.post("/gradio_api/cancel", json=body).status_code == 403
    assert "event: complete" in robot.http.get(f"/gradio_api/call/keep/{event}").text


def test_files_of_a_program_are_closed_to_all_others(robot: AppTest, others: list[AppTest], tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear robot")
    uploaded = robot.upload(letter)
    [result] = robot.call("give", uploaded["path"])
    for other in others:
        for path in (uploaded["path"], result["path"]):
            assert robot.http.get(f"/gradio_api/file={path}").status_code == 200
            assert other.http.get(f"/gradio_api/file={path}").status_code == 403
        with pytest.raises(EventError, match="somebody else"):
            other.call("read", uploaded)
        assert other.http.get("/gradio_api/file=%00").status_code == 404
        assert other.http.post("/gradio_api/call/read", json={"data": [{"path": "\0"}]}).status_code == 403
    # Whoever has the same file may have it too.
    clerk = others[0]
    assert clerk.call("read", clerk.upload(letter)) == ["Dear robot"]
    assert robot.call("read", uploaded) == ["Dear robot"]


def test_visitors_are_not_in_the_way_of_programs(robot: AppTest, others: list[AppTest], tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear visitor")
    visitor = others[1]
    assert visitor.call("read", visitor.upload(letter)) == ["Dear visitor"]
    assert visitor.call("keep", None, "mine")[-1] == ""
    assert visitor.call("keep", None, "")[-1] == "mine"
    assert robot.http.app.state.access.belongings.owners == {}  # type: ignore[attr-defined]
    assert robot.call("keep", None, "")[-1] == ""


def test_answers_to_a_key_are_kept_nowhere(robot: AppTest) -> None:
    event = robot.http.post("/gradio_api/call/keep", json={"data": [None, "x"]})
    answers = [event, robot.http.get(f"/gradio_api/call/keep/{event.json()['event_id']}")]
    answers += [robot.http.get(path) for path in ("/config", "/gradio_api/info", "/", "/missing")]
    robot.http.headers["Authorization"] = "Bearer wrong"
    answers.append(robot.http.get("/config"))
    assert [answer.headers["cache-control"] for answer in answers] == ["no-store"] * len(answers)


def test_where_visitors_are_all_the_same_programs_are_told_apart(make_settings: MakeSettings, tmp_path: Path) -> None:
    access = base.Access(make_settings(api_keys=API_KEYS, upload_dir=tmp_path))
    robot, clerk = (access.program(key) for key, _ in KEYS.values())
    letter = str(tmp_path / "letter.txt")

    async def check() -> None:
        assert robot is not None
        assert clerk is not None
        assert await access.owns(robot, {"s"}, ())
        await access.give(robot, (), [letter])
        for other in (clerk, GUEST):
            assert not await access.owns(other, {"s"}, ())
            assert not await access.owns(other, (), [letter])
        assert await access.owns(robot, {"s"}, [letter])
        assert await access.owns(GUEST, {"mine"}, ["/elsewhere"])
        assert not await access.owns(robot, (), ["\0"])
        await access.give(GUEST, {"mine"}, ())
        assert await base.Access(make_settings(api_keys={})).owns(GUEST, {"s"}, [letter])

    asyncio.run(check())
    assert set(access.belongings.owners) == {"id:s", f"file:{letter}"}


def test_without_keys_nothing_is_kept_about_anybody(make_settings: MakeSettings) -> None:
    settings = make_settings(api_keys={})
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Textbox().change(len, gr.Textbox(), api_name="count")
    app = application.create_app(demo, settings)
    with browse(app) as client:
        client.get("/config")
    assert app.state.access.belongings.owners == {}


def test_what_belongs_to_programs_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: list[float] = [0]
    monkeypatch.setattr(base, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    belongings = Belongings(10)
    belongings.give("a", "robot")
    clock[0] = 5
    belongings.give("a", "clerk")
    belongings.give("b", "clerk")
    assert belongings.of("a") == {"robot", "clerk"}
    clock[0] = 11
    assert (belongings.of("a"), belongings.of("b")) == (set(), {"clerk"})
    assert (len(belongings.owners), len(belongings.ends)) == (1, 1)
