"""What every mode with known visitors must hold: strangers get nothing, and nobody gets what is another's."""

import json
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from gradio_client import Client
from starlette.testclient import TestClient

from server import application
from server.access.identity import GUEST, current_user
from server.queueing import queue_options
from tests.server.access import KEY, PUBLIC, wrong
from tests.server.client import AppTest, EventError, browse
from tests.server.fixtures import MakeApp, MakeSettings, Serve
from tests.server.test_gate import routes

LOOKS = {"/theme.css", "/favicon.ico", "/robots.txt"}
OPEN_TO_STRANGERS = {"/healthz", "/readyz", "/gradio_api/app_id"} | LOOKS | PUBLIC
SPOOFED = {
    "x-forwarded-user": "ada",
    "x-forwarded-email": "ada@example.com",
    "remote-user": "ada",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-host": "localhost",
}
WITHOUT_RIGHTS = {
    "nothing": {},
    "wrong key": {"Authorization": "Bearer wrong"},
    "empty key": {"Authorization": "Bearer "},
    "basic": {"Authorization": "Basic YWRhOmFkYQ=="},
    "spoofed headers": SPOOFED,
} | wrong()
ROBOT = {"Authorization": f"Bearer {KEY}"}


def who(request: gr.Request) -> dict[str, Any]:
    user = current_user(request)
    return {"id": user.id, "name": user.name, "source": user.source, "username": request.username}


def pieces() -> Iterator[str]:
    for piece in ("one", "two", "three"):
        path = Path(os.environ["GRADIO_TEMP_DIR"]) / f"{uuid.uuid4().hex}.txt"
        path.write_text(piece)
        yield str(path)


@pytest.fixture
def app(make_settings: MakeSettings) -> FastAPI:
    """Serve events that tell who asks, keep state, take files and give them."""
    settings = make_settings()
    with gr.Blocks(analytics_enabled=False) as demo:
        text, answer, file, state = gr.Textbox(), gr.JSON(), gr.File(), gr.State([])
        text.submit(who, None, answer, api_name="who")
        text.blur(who, None, answer, api_name="who_now", queue=False)
        text.input(lambda kept, new: ([*kept, new], str(kept)), [state, text], [state, text], api_name="keep")
        file.upload(lambda path: Path(path).read_text(), file, text, api_name="read")
        text.change(lambda value: value, text, file, api_name="give")
        text.select(pieces, None, file, api_name="pieces")
    demo.queue(**queue_options(settings))
    return application.create_app(demo, settings)


@pytest.fixture
def ada(app: FastAPI) -> Iterator[AppTest]:
    with AppTest(app, "ada") as test:
        yield test


@pytest.fixture
def bo(ada: AppTest) -> AppTest:
    return ada.another("bo")


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Bo")
    return path


def test_a_stranger_gets_nothing_but_the_listed_paths(make_app: MakeApp) -> None:
    app = make_app()
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        for credentials in WITHOUT_RIGHTS.values():
            assert client.get("/config", headers=credentials).status_code == 401
            # Of a path with parameters, any value will do.
            answers = {route: client.request(*route, headers=credentials).status_code for route in routes(app)}
            assert {path for (_, path), status in answers.items() if status not in {401, 404}} == OPEN_TO_STRANGERS
            assert answers["GET", "/"] == answers["POST", "/gradio_api/queue/join"] == 401


def test_the_sweep_holds_for_pages_too(app: FastAPI) -> None:
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        for name, credentials in WITHOUT_RIGHTS.items():
            answer = client.get("/", headers=credentials | {"accept": "text/html"})
            assert answer.status_code in {303, 401}, name
            assert "gradio_config" not in answer.text, name


@pytest.mark.parametrize("event", ["who", "who_now"])
def test_a_handler_knows_who_asks_queued_or_not(ada: AppTest, bo: AppTest, event: str) -> None:
    for test, name in ((ada, "ada"), (bo, "bo")):
        [known] = test.call(event)
        assert name in known["id"]
        assert known["username"] == known["name"]
        assert known["source"] not in {"none", "key"}


def test_without_a_request_there_is_only_a_guest() -> None:
    assert current_user(None) == GUEST
    assert current_user(gr.Request()) == GUEST


def test_a_program_with_a_key_calls_events_but_opens_no_page(ada: AppTest) -> None:
    body = {"data": [], "session_hash": "robot"}
    joined = ada.http.post("/gradio_api/call/who", json=body, headers=ROBOT)
    text = ada.http.get(f"/gradio_api/call/who/{joined.json()['event_id']}", headers=ROBOT).text
    assert '"id": "key:robot"' in text
    assert ada.http.get("/", headers=ROBOT | {"accept": "text/html"}).status_code == 403
    assert ada.http.get("/config", headers=ROBOT).status_code == 200
    # A wrong key is not made good by a session.
    assert ada.http.get("/config", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_key_works_in_gradio_s_client(app: FastAPI, serve: Serve) -> None:
    with serve(app) as url:
        client = Client(url, verbose=False, headers=ROBOT)
        assert client.predict(api_name="/who")["name"] == "robot"
        with pytest.raises(Exception, match=r"401|credentials"):
            Client(url, verbose=False, headers={"Authorization": "Bearer wrong"})


def test_state_and_events_belong_to_one_user(ada: AppTest, bo: AppTest) -> None:
    ada.call("keep", None, "secret")
    bo.session = ada.session
    with pytest.raises(EventError, match="somebody else"):
        bo.call("keep", None, "")
    join = {"data": [None, ""], "fn_index": 0, "session_hash": ada.session}
    assert bo.http.post("/gradio_api/queue/join", json=join).status_code == 403
    assert bo.http.get("/gradio_api/queue/data", params={"session_hash": ada.session}).status_code == 403
    assert bo.http.get(f"/gradio_api/heartbeat/{ada.session}").status_code == 403
    assert ada.call("keep", None, "")[-1] == "['secret']"


def test_an_event_is_read_and_cancelled_by_its_user_only(ada: AppTest, bo: AppTest) -> None:
    event = ada.http.post("/gradio_api/call/keep", json={"data": [None, "x"]}).json()["event_id"]
    for path in (f"call/keep/{event}", f"call/v2/keep/{event}", f"queue/data?session_hash={event}"):
        assert bo.http.get(f"/gradio_api/{path}").status_code == 403
    for body in ({"session_hash": "bo", "event_id": event}, {"session_hash": event, "event_id": "x"}):
        assert bo.http.post("/gradio_api/cancel", json=body | {"fn_index": 2}).status_code == 403
    for path in (f"stream/{event}", f"stream/{event}/close"):
        assert bo.http.post(f"/gradio_api/{path}", json={"data": []}).status_code == 403
    assert "event: complete" in ada.http.get(f"/gradio_api/call/keep/{event}").text


def test_an_upload_belongs_to_its_user(ada: AppTest, bo: AppTest, letter: Path) -> None:
    file = ada.upload(letter)
    path = file["path"]
    assert ada.http.get(f"/gradio_api/file={path}").text == "Dear Bo"
    assert ada.call("read", file) == ["Dear Bo"]
    folder = Path(path).parent
    for alias in (path, f"{folder}/./letter.txt", f"{folder}/../{folder.name}/letter.txt", f"/x/..{path}"):
        assert bo.http.get(f"/gradio_api/file={alias}").status_code in {403, 404}
        with pytest.raises(EventError, match="somebody else"):
            bo.call("read", file | {"path": alias})
    nested = {"data": [[{"deep": [{"x": file}]}]], "session_hash": "bo"}
    assert bo.http.post("/gradio_api/call/read", json=nested).status_code == 403
    # Whoever has the same file may have it too.
    assert bo.call("read", bo.upload(letter)) == ["Dear Bo"]


def test_a_result_belongs_to_whoever_got_it(ada: AppTest, bo: AppTest, letter: Path) -> None:
    uploaded = ada.upload(letter)["path"]
    [result] = ada.call("give", uploaded)
    assert ada.http.get(f"/gradio_api/file={result['path']}").status_code == 200
    assert bo.http.get(f"/gradio_api/file={result['path']}").status_code == 403


def test_every_file_of_a_stream_belongs_to_whoever_watches(app: FastAPI, ada: AppTest, bo: AppTest) -> None:
    [number] = [number for number, fn in app.state.demo.fns.items() if fn.api_name == "pieces"]
    join = {"data": [], "fn_index": number, "session_hash": ada.session}
    assert ada.http.post("/gradio_api/queue/join", json=join).status_code == 200
    # The page reads its session's stream, which names later files only as changes of the first.
    text = ada.http.get("/gradio_api/queue/data", params={"session_hash": ada.session}).text
    assert '["replace",["path"],' in text
    paths = set(re.findall(r'"(/[^"]+\.txt)"', text))
    assert len(paths) == 3
    for path in paths:
        assert ada.http.get(f"/gradio_api/file={path}").status_code == 200
        assert bo.http.get(f"/gradio_api/file={path}").status_code == 403


def test_a_path_in_a_text_gives_no_right_to_the_file(ada: AppTest, bo: AppTest, letter: Path) -> None:
    path = ada.upload(letter)["path"]
    echoed = json.dumps({"path": path, "meta": {"_type": "gradio.FileData"}})
    bo.call("keep", None, echoed)
    bo.call("keep", None, "")
    assert bo.http.get(f"/gradio_api/file={path}").status_code == 403


def test_components_answer_for_the_own_session_only(ada: AppTest, bo: AppTest) -> None:
    ada.call("keep", None, "x")
    component = next(iter(ada.http.app.state.demo.blocks))
    body = {"session_hash": ada.session, "component_id": component, "fn_name": "missing", "data": {}}
    assert ada.http.post("/gradio_api/component_server", json=body).status_code == 404
    assert bo.http.post("/gradio_api/component_server", json=body).status_code == 403
    form = {"session_hash": (None, ada.session), "component_id": (None, str(component)), "fn_name": (None, "missing")}
    assert bo.http.post("/gradio_api/component_server", files=form).status_code == 403
    assert ada.http.post("/gradio_api/component_server", files=form).status_code != 403
    broken = {"content-type": "multipart/form-data; boundary=b"}
    assert bo.http.post("/gradio_api/component_server", content=b"--c", headers=broken).status_code in {400, 403}


def test_what_cannot_be_read_is_refused(bo: AppTest) -> None:
    for content in (b"[" * 100_000, b"no json", b'{"data": ["\\ud800"', '{"path": "\x00"}'.encode("utf-16")):
        answer = bo.http.post("/gradio_api/call/read", content=content, headers={"content-type": "application/json"})
        assert answer.status_code in {400, 403, 422}
    assert bo.http.get("/gradio_api/file=%00").status_code in {403, 404}


def test_what_is_personal_is_not_kept_by_caches(ada: AppTest) -> None:
    for path in ("/", "/config", "/gradio_api/info"):
        assert ada.http.get(path).headers["cache-control"] == "no-store"
    assert ada.http.get("/theme.css").headers.get("cache-control") != "no-store"


def test_pages_show_their_files_to_everybody(make_app: MakeApp) -> None:
    app = make_app()
    with browse(app, "bo") as client:
        for path in app.state.access.page_files:
            assert client.get(f"/gradio_api/file={path}").status_code == 200
