"""What visitors send to be kept: looked at before anything decodes it, counted, and deleted in time."""

import base64
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import gradio as gr
import pytest
from PIL import Image

from server import application, files, gradio_adapter
from server.queueing import queue_options
from tests.server.client import AppTest, EventError, browse
from tests.server.fixtures import MakeApp, MakeSettings

MOST = 10_000
"""Pixels that the apps of these tests take."""
FORMATS = ["PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG", "PPM", "TGA", "PCX", "ICO", "AVIF", "SGI"]
WAIT_SECONDS = 20


@pytest.fixture(autouse=True)
def pillow_as_it_was() -> Iterator[None]:
    """Give Pillow its own bound back: it is one for the process."""
    before = Image.MAX_IMAGE_PIXELS
    yield
    Image.MAX_IMAGE_PIXELS = before


def picture(kind: str, width: int, height: int, frames: int = 1) -> bytes:
    """Make a picture of one colour a frame."""
    first, *rest = [Image.new("RGB", (width, height), (number * 8, 0, 0)) for number in range(frames)]
    raw = BytesIO()
    first.save(raw, kind, **({"save_all": True, "append_images": rest} if rest else {}))
    return raw.getvalue()


def write(folder: Path, name: str, raw: bytes) -> Path:
    path = folder / name
    path.write_bytes(raw)
    return path


# PICTURES


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_is_refused_by_its_head(make_app: MakeApp, tmp_path: Path, kind: str) -> None:
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {kind}")
    with AppTest(make_app(max_pixels=MOST)) as test:
        assert test.upload(write(tmp_path, "small", picture(kind, 64, 64)))
        # ICO has its size in one byte: 256 is the largest.
        with pytest.raises(EventError, match=r"APP_MAX_PIXELS"):
            test.upload(write(tmp_path, "harmless.txt", picture(kind, 256, 256)))


def test_a_refused_picture_is_not_kept(make_app: MakeApp, make_settings: MakeSettings, tmp_path: Path) -> None:
    with AppTest(make_app(max_pixels=MOST)) as test:
        path = write(tmp_path, f"unfolds-{uuid4().hex}.png", picture("PNG", 300, 100))
        with path.open("rb") as file:
            answer = test.http.post("/gradio_api/upload", files={"files": (path.name, file)})
        assert (answer.status_code, "APP_MAX_PIXELS" in answer.text) == (413, True)
        assert not list(make_settings().upload_dir.rglob(path.name))


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_the_frames_of_an_animation_count_together(make_app: MakeApp, tmp_path: Path, kind: str) -> None:
    with AppTest(make_app(max_pixels=MOST)) as test:
        assert test.upload(write(tmp_path, "short", picture(kind, 40, 40, 3)))
        with pytest.raises(EventError, match="all frames and pages together"):
            test.upload(write(tmp_path, "long", picture(kind, 40, 40, 30)))


def test_a_picture_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_READS", 50)
    with pytest.raises(files.TooMuchError, match="too many parts"):
        files.look_at_picture(BytesIO(picture("GIF", 10, 10, 40)), MOST)
    assert files.look_at_picture(BytesIO(picture("PNG", 10, 10)), MOST)


def test_what_is_no_picture_is_none() -> None:
    for raw in (b"", b"text", b"\x89PNG\r\n\x1a\n", b"GIF89a", picture("TIFF", 50, 50)[:20]):
        assert not files.look_at_picture(BytesIO(raw), MOST)


def test_pillow_itself_refuses_what_came_another_way(make_app: MakeApp) -> None:
    make_app(max_pixels=MOST)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(BytesIO(picture("PNG", 200, 100)))
    with pytest.raises(files.TooMuchError, match="too large"):
        files.look_at_picture(BytesIO(picture("PNG", 200, 100)), MOST)
    Image.open(BytesIO(picture("PNG", 99, 99)))  # without a warning, which is an error in tests


def test_pictures_in_the_inputs_of_an_event_are_looked_at(make_app: MakeApp) -> None:
    def address(raw: bytes) -> str:
        return "data:image/png;base64," + base64.b64encode(raw).decode()

    with AppTest(make_app(max_pixels=MOST)) as test:
        harmless = address(picture("PNG", 50, 50))
        assert test.call("read", None) is not None
        for value in ("data:;base64,", "data:image/png;base64,A", "no;base64,address", "data:x;base64,!!", harmless):
            body = {"data": [value], "session_hash": test.session}
            assert test.http.post("/gradio_api/call/fetch", json=body).status_code == 200
        body = {"data": [{"deep": [address(picture("PNG", 300, 300))]}], "session_hash": test.session}
        for path in ("call/fetch", "queue/join"):
            answer = test.http.post(f"/gradio_api/{path}", json=body | {"fn_index": 0})
            assert (answer.status_code, "APP_MAX_PIXELS" in answer.json()["detail"]) == (413, True)
        assert test.http.post("/gradio_api/queue/join", content=b'{"base64,').status_code in {400, 403, 415, 422}


def test_what_is_no_json_is_left_to_gradio() -> None:
    files.look_at_data(b'{"base64,', MOST)


# HOW MUCH IS KEPT, AND FOR HOW LONG


def test_one_visitor_cannot_fill_the_disk(make_app: MakeApp, tmp_path: Path) -> None:
    path = write(tmp_path, "half.bin", bytes(600_000))
    app = make_app(stored_mb_per_visitor=1, max_upload_mb=1)
    with AppTest(app) as test:
        test.upload(path)
        with pytest.raises(EventError, match="APP_STORED_MB_PER_VISITOR"):
            test.upload(path)
        stored = app.state.work.bounded.stored
        for gift in stored.gifts:
            gift.until = 0.0
        stored.forget_old()  # as if the time of the first file were over
        assert not stored.gifts
        test.upload(path)


def test_what_gradio_refuses_does_not_count(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(max_upload_mb=1)
    with AppTest(app) as test:
        with pytest.raises(EventError, match="size"):
            test.upload(write(tmp_path, "large.bin", bytes(1_500_000)))
        assert app.state.work.bounded.stored.ledger.sum == 0


def test_what_a_visitor_sends_again_counts_once_until_its_time_is_over(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(stored_mb_per_visitor=1, upload_dir=tmp_path / "uploads")
    stored = app.state.work.bounded.stored
    with AppTest(app) as test:
        layer, other = write(tmp_path, "layer.png", bytes(200_000)), write(tmp_path, "other.png", bytes(200_001))
        for _ in range(10):
            test.upload(layer)
        assert 200_000 < stored.ledger.sum < 210_000
        test.upload(other)
        stored.settle(stored.expect("ada", 5), 5)  # of which nobody knows the files
        assert (len(stored.gifts), len(stored.named)) == (3, 2)
        for gift in stored.gifts:
            gift.until = 0
        stored.forget_old()
        assert (stored.ledger.sum, stored.gifts, stored.named) == (0, [], {})


def test_all_visitors_together_cannot_fill_the_disk(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(stored_mb=1, upload_dir=tmp_path / "empty")
    app.state.life.beside.clear()  # Nobody looks at the folder.
    with AppTest(app) as test:
        app.state.work.bounded.stored.on_disk = 900_000
        answer = test.http.post("/gradio_api/upload", files={"files": ("a.bin", bytes(200_000))})
        assert (answer.status_code, "APP_STORED_MB" in answer.text) == (507, True)
        app.state.work.bounded.stored.on_disk = 0
        test.upload(write(tmp_path, "a.bin", bytes(200_000)))
        assert app.state.work.bounded.stored.on_disk > 200_000


@pytest.fixture
def stored(make_settings: MakeSettings, tmp_path: Path) -> files.Stored:
    """Look after a folder whose files may stay for two seconds."""
    return files.Stored(make_settings(upload_dir=tmp_path / "kept", file_ttl=2))


def later(happened: Callable[[], bool]) -> None:
    give_up = time.monotonic() + WAIT_SECONDS
    while not happened():
        assert time.monotonic() < give_up, "it does not happen"
        time.sleep(0.05)


def test_files_go_in_time_whoever_left_them(stored: files.Stored) -> None:
    folder = stored.folder / "0123"
    folder.mkdir(parents=True)
    example = stored.folder / "examples" / "one.png"
    example.parent.mkdir()
    page = write(folder, "page.png", b"1")
    named = write(folder, "named.png", b"22")
    example.write_bytes(b"333")
    stored.keep([str(named)])
    assert str(page) in stored.own  # written while the page was built
    stored.own.discard(str(page))
    left = [page, write(folder, "upload.bin", b"4444"), write(stored.folder, "tmp0123", b"55555")]

    def are_gone() -> bool:
        stored.sweep()
        return not any(path.exists() for path in left)

    assert not are_gone()
    assert stored.on_disk == 1 + 2 + 4 + 5
    later(are_gone)
    assert named.exists()
    assert example.exists()
    assert stored.on_disk == 2


def test_a_sweep_stumbles_over_nothing(stored: files.Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("empty", "full", "denied"):
        (stored.folder / name).mkdir(parents=True)
    write(stored.folder / "full", "file", b"x")
    monkeypatch.setattr(files, "OFTEN", -WAIT_SECONDS)
    files.forget_empty_folders(stored.folder)
    assert [path.name for path in stored.folder.iterdir()] == ["full"]

    def vanished(_: Path) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "lstat", vanished)
    assert list(files.files_below(stored.folder)) == []


def test_a_running_app_deletes_what_an_earlier_one_left(
    make_app: MakeApp, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    app = make_app(upload_dir=folder, file_ttl=1)
    left = write(folder, "left.bin", b"x")
    with browse(app):
        later(lambda: not left.exists())
    gone = tmp_path / "gone"
    with browse(make_app(upload_dir=gone, file_ttl=1)):
        later(lambda: "cannot be looked at" in caplog.text)


# PICTURES OF EDITORS


@pytest.fixture
def editing(make_settings: MakeSettings) -> Iterator[tuple[AppTest, Any]]:
    """Visit an app with an image editor."""
    settings = make_settings(max_pixels=MOST, buffered_mb=1, buffered_mb_per_visitor=1)
    with gr.Blocks(analytics_enabled=False) as demo:
        editor = gr.ImageEditor(type="pil")
        gr.Button().click(lambda value: str(value["composite"].size), editor, gr.Textbox(), api_name="edit")
    demo.queue(**queue_options(settings))
    with AppTest(application.create_app(demo, settings)) as test:
        yield test, editor


def give(test: AppTest, editor: Any, raw: bytes, name: str = "one", **changes: str) -> Any:  # noqa: ANN401
    number = str(editor._id)  # noqa: SLF001
    fields = {"type": "composite", "index": "null", "id": name, "component_id": number, "fn_name": "accept_blobs"}
    form = fields | {"session_hash": test.session} | changes
    return test.http.post("/gradio_api/component_server", data=form, files={"file": ("blob", raw)})


def test_what_an_editor_sends_is_looked_at(editing: tuple[AppTest, Any]) -> None:
    test, editor = editing
    answer = give(test, editor, picture("PNG", 300, 300))
    assert (answer.status_code, "APP_MAX_PIXELS" in answer.json()["detail"]) == (413, True)
    assert give(test, editor, picture("PNG", 50, 50)).status_code == 200
    value = {"id": "one", "background": None, "layers": [], "composite": None}
    assert test.call("edit", value) == ["(50, 50)"]


def test_pictures_that_no_event_takes_do_not_stay(editing: tuple[AppTest, Any]) -> None:
    test, editor = editing
    bounded: Any = test.http.app.state.work.bounded  # pyright: ignore[reportAttributeAccessIssue]
    noise = bytes(400_000)
    assert [give(test, editor, noise, name).status_code for name in ("a", "b")] == [200, 200]
    answer = give(test, editor, noise, "c")
    assert (answer.status_code, "APP_BUFFERED_MB_PER_VISITOR" in answer.json()["detail"]) == (429, True)
    assert set(editor.blob_storage) == {"a", "b"}
    editor.blob_storage.pop("a")  # as an event does
    assert give(test, editor, noise, "c").status_code == 200
    small = [give(test, editor, noise[:50_000], f"small {number}").status_code for number in range(10)]
    assert small[0] == 200
    assert small[-1] == 429
    for gifts in bounded.blobs.held.values():
        gifts[-1].until = 0.0
    bounded.memory.reclaim()
    assert editor.blob_storage == {}
    assert bounded.memory.sum == 0


def test_a_broken_form_is_said_to_be_one(editing: tuple[AppTest, Any]) -> None:
    for kind in ("multipart/form-data; boundary=b", "multipart/form-data-or-not; boundary=b"):
        sent = {"content-type": kind}
        answer = editing[0].http.post("/gradio_api/component_server", content=b"--x\r\nno form", headers=sent)
        assert answer.status_code in {400, 403, 415}


def test_a_call_of_a_component_is_small_and_begins_no_session(editing: tuple[AppTest, Any]) -> None:
    test, editor = editing
    number = editor._id  # noqa: SLF001
    call: dict[str, Any] = {"component_id": number, "fn_name": "accept_blobs", "session_hash": "never-seen"}
    large = test.http.post("/gradio_api/component_server", json=call | {"data": "x" * 70_000})
    assert (large.status_code, "limit" in large.json()["detail"]) == (413, True)
    bomb = "data:image/png;base64," + base64.b64encode(picture("PNG", 300, 300)).decode()
    assert test.http.post("/gradio_api/component_server", json=call | {"data": bomb}).status_code == 413
    assert test.http.post("/gradio_api/component_server", content=b"[]").status_code >= 400
    app: Any = test.http.app
    assert give(test, editor, picture("PNG", 50, 50), session_hash="never-seen").status_code == 200
    assert not gradio_adapter.has_session(app.state.demo, "never-seen")
    with app.state.work.bounded.sessions.read(["open"]):  # as the page of this session does
        give(test, editor, picture("PNG", 50, 50), "two", session_hash="open")
    assert gradio_adapter.has_session(app.state.demo, "open")
