"""Which files go out, what is said about one that does not, and examples that are worked out at start."""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, cast

import gradio as gr
import pytest
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Browser, expect

from server import application, gate, gradio_files
from server.gradio_files import PublicFolder
from server.queueing import queue_options
from server.settings import PROJECT_DIR, SYSTEM_TEMP
from tests.server.client import AppTest, EventError
from tests.server.fixtures import MakeSettings, Serve
from tests.server.page import visit
from tests.server.test_gradio_adapter import holds

Build = Callable[[], object]
REPORT_IT = r"Something went wrong on our side\. Please report the id \w{8}\."


@pytest.fixture
def make_page(make_settings: MakeSettings) -> Callable[[Build], FastAPI]:
    """Make an application around what `build` puts on its page."""

    def make(build: Build) -> FastAPI:
        settings = make_settings()
        with gr.Blocks(analytics_enabled=False) as demo:
            build()
        demo.queue(**queue_options(settings))
        return application.create_app(demo, settings)

    return make


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for the folder `assets/` of a project."""
    folder = tmp_path / "assets"
    folder.mkdir()
    for module in (application, gate):
        monkeypatch.setattr(module, "ASSETS", folder)
    return folder


@pytest.fixture
def in_project() -> Iterator[Path]:
    """Give a file of the project, as a handler that writes into the working directory leaves it."""
    path = PROJECT_DIR / f"report-{os.getpid()}.csv"
    path.write_text("a,b\n1,2\n")
    yield path
    path.unlink()


@pytest.fixture
def in_system_temp() -> Iterator[Path]:
    """Give a file that another program left in the folder that all programs share."""
    folder = Path(tempfile.mkdtemp(dir=SYSTEM_TEMP))
    (folder / "other.txt").write_text("of another program")
    yield folder / "other.txt"
    shutil.rmtree(folder)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what the log says about files."""
    return [record.getMessage() for record in caplog.records if record.name == "app.files"]


# THE RULE


def test_our_rule_stands_in_front_of_gradio_s_about_files() -> None:
    gradio_files.guard_files()
    gradio_files.guard_files()
    with holds("gradio.utils.is_allowed_file"):
        from gradio import processing_utils, route_utils, utils  # noqa: PLC0415

        for module in (processing_utils, route_utils):
            rule = cast("Any", module).utils.is_allowed_file
            assert rule is cast("Any", utils).is_allowed_file
            assert rule.is_ours
    with holds("gradio.processing_utils._check_allowed"):
        assert cast("Any", processing_utils)._check_allowed.is_ours  # noqa: SLF001


def test_the_rule_for_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_gradio: list[tuple[Path, list[str]]] = []

    def plain(path: Path, _: object, allowed: list[str], __: object) -> tuple[bool, str]:
        asked_gradio.append((path, allowed))
        return False, "in_blocklist"

    rule: Callable[..., Any] = gradio_files.rule_for_files(plain, tmp_path / "gradio")
    public = [PublicFolder(tmp_path / "assets"), str(tmp_path)]
    for path, verdict in {
        "assets/picture.png": (True, "allowed"),
        "assets/deep/picture.png": (True, "allowed"),
        "assets/.hidden": (False, "in_blocklist"),
        "assets/.git/config": (False, "in_blocklist"),
        "gradio/icons/icon.svg": (True, "allowed"),
    }.items():
        assert rule(tmp_path / path, [], public, []) == verdict
    assert asked_gradio == []
    for path in ("app.py", "assets2/x", "assets/../app.py", "gradio/routes.py"):
        assert rule(tmp_path / path, [], public, []) == (False, "in_blocklist")
    assert [allowed for _, allowed in asked_gradio] == [[str(tmp_path)]] * 4
    monkeypatch.chdir(tmp_path)
    rule(tmp_path / "app.py", [], [*public, "/elsewhere"], [])
    assert asked_gradio[-1][1] == ["/elsewhere"], "the folder that the process runs in is no reason to serve a file"
    assert rule(Path("s/run/3/playlist.m3u8").absolute(), [], [], []) == (True, "created")
    for path in ("run/3/playlist.m3u8", "s/run/3/other.m3u8", "s/run/3/4/playlist.m3u8"):
        assert rule(Path(path).absolute(), [], [], []) == (False, "in_blocklist")
    (tmp_path / "s/run/3").mkdir(parents=True)
    (tmp_path / "s/run/3/playlist.m3u8").write_text("a file of somebody's")
    assert rule(Path("s/run/3/playlist.m3u8").absolute(), [], [], []) == (False, "in_blocklist")


# WHAT A HANDLER GIVES


def test_a_handler_that_writes_into_the_project_is_told_where_to_write(
    app_test: AppTest, in_project: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT_DIR)
    for given in (in_project.name, str(in_project)):
        caplog.clear()
        with pytest.raises(EventError, match=REPORT_IT) as refused:
            app_test.call("fetch", given)
        [line] = lines(caplog)
        assert line.startswith(
            f"A handler gave the file {str(in_project)!r}, which lies in the project, of which only assets/ goes out. "
            f"Write it to settings.upload_dir / {in_project.name!r}, or into a folder of tempfile.mkdtemp()."
        )
        assert line.split("(id ")[1].rstrip(")") in str(refused.value)
        assert str(PROJECT_DIR) not in str(refused.value)
        assert not any(record.exc_info for record in caplog.records), "one line, and no traceback"


def test_a_handler_that_gives_a_path_that_somebody_sent_gives_nothing_of_other_programs(
    app_test: AppTest, in_system_temp: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(EventError, match=REPORT_IT):
        app_test.call("fetch", str(in_system_temp))
    [line] = lines(caplog)
    assert "lies in no folder that goes out; APP_PUBLIC_FOLDERS opens one for everybody" in line
    assert app_test.http.get(f"/gradio_api/file={in_system_temp}").status_code in {403, 404}


@pytest.mark.parametrize(
    "name", ["app.py", "pyproject.toml", "server/gate.py", ".env", ".git/config", "secrets/key", "data.db", "new/x.csv"]
)
def test_nothing_of_the_project_goes_out_whoever_gives_it(app_test: AppTest, name: str) -> None:
    path, made = PROJECT_DIR / name, []
    for folder in (path.parent,):
        if not folder.exists():
            folder.mkdir()
            made.append(folder)
    is_new = not path.exists()
    if is_new:
        path.write_text("secret")
    try:
        with pytest.raises(EventError, match=REPORT_IT):
            app_test.call("fetch", str(path))
        assert app_test.http.get(f"/gradio_api/file={path}").status_code in {403, 404}
        given = {"path": str(path), "meta": {"_type": "gradio.FileData"}}
        with pytest.raises(EventError):  # A visitor says it was an upload.
            app_test.call("read", given)
    finally:
        if is_new:
            path.unlink()
        for folder in made:
            folder.rmdir()


def test_files_that_a_handler_makes_in_the_usual_ways_go_out(make_page: Callable[[Build], FastAPI]) -> None:
    def temporary() -> str:
        with tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False) as file:
            file.write("a,b")
        return file.name

    def folder() -> str:
        path = Path(tempfile.mkdtemp()) / "table.csv"
        path.write_text("c,d")
        return str(path)

    def uploads() -> str:
        path = Path(os.environ["GRADIO_TEMP_DIR"]) / "report.csv"
        path.write_text("e,f")
        return str(path)

    def build() -> None:
        for make in (temporary, folder, uploads):
            gr.Button().click(make, None, gr.File(), api_name=make.__name__)

    with AppTest(make_page(build)) as test:
        for name, text in (("temporary", "a,b"), ("folder", "c,d"), ("uploads", "e,f")):
            [file] = test.call(name)
            assert test.http.get(f"/gradio_api/file={file['path']}").text == text
    assert Path(tempfile.gettempdir()) != SYSTEM_TEMP
    if hasattr(os, "getuid"):
        assert Path(tempfile.gettempdir()).stat().st_mode & 0o777 == 0o700


def test_a_file_of_a_handler_s_own_folder_is_not_fetched_by_its_path(app_test: AppTest) -> None:
    path = Path(tempfile.mkdtemp()) / "kept.txt"
    path.write_text("not given to anybody")
    assert app_test.http.get(f"/gradio_api/file={path}").status_code in {403, 404}


def test_icons_of_gradio_s_own_parts_are_shown(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    settings = make_settings()
    chat = gr.ChatInterface(echo, save_history=True, analytics_enabled=False, api_name="chat")
    chat.queue(**queue_options(settings))
    with serve(application.create_app(chat, settings)) as url, visit(browser, url) as page:
        icon = page.get_by_role("button", name="New chat").locator("img")
        expect(icon).to_be_visible()
        assert icon.evaluate("it => it.decode().then(() => it.naturalWidth)") > 0


def echo(message: str, _: list[Any]) -> str:  # pragma: no cover (nobody writes)
    """Answer."""
    return message


# EXAMPLES


def shout(path: str) -> str:
    """Give the size of a picture, as a model gives what it sees."""
    with Image.open(path) as picture:
        return f"{picture.width} x {picture.height}"


def gray(path: str) -> str:
    """Give a file, made in the usual way."""
    target = Path(tempfile.mkdtemp()) / "gray.png"
    with Image.open(path) as picture:
        picture.convert("L").save(target)
    return str(target)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let examples be worked out anew in each test, and give the folder that keeps them."""
    folder = Path(os.environ["GRADIO_TEMP_DIR"]) / f"examples-{tmp_path.parent.name}-{tmp_path.name}"
    monkeypatch.setenv("GRADIO_EXAMPLES_CACHE", str(folder))
    return folder


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("mode", ["eager", "lazy", None])
def test_examples_by_path_work_in_every_way(
    browser: Browser,
    make_page: Callable[[Build], FastAPI],
    serve: Serve,
    assets: Path,
    mode: Literal["eager", "lazy"] | None,
) -> None:
    for number, width in enumerate((20, 30)):
        Image.new("RGB", (width, 10), "red").save(assets / f"{number}.png")

    def build() -> None:
        picture = gr.Image(type="filepath", label="Picture")
        said, made = gr.Textbox(label="Size"), gr.Image(label="Gray")

        def both(path: str) -> tuple[str, str]:
            return shout(path), gray(path)

        gr.Examples(
            [[str(assets / "0.png")], [str(assets / "1.png")]],
            picture,
            [said, made],
            both,
            cache_examples=mode is not None,
            cache_mode=mode,
            run_on_click=mode is None,
        )

    with serve(make_page(build)) as url, visit(browser, url) as page:
        rows = page.locator(".gallery-item")
        expect(rows).to_have_count(2)
        for number, size in enumerate(("20 x 10", "30 x 10")):
            rows.nth(number).click()
            expect(page.get_by_label("Size")).to_have_value(size)
            shown = page.locator("img[src*='gray.png']")
            expect(shown).to_be_visible()
            expect(shown).to_have_js_property("naturalWidth", int(size[:2]))


@pytest.mark.usefixtures("cache")
def test_an_example_that_writes_into_the_project_does_not_keep_the_app_from_starting(
    make_page: Callable[[Build], FastAPI], in_project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def report(_: str) -> str:
        return str(in_project)

    def build() -> None:
        text, file = gr.Textbox(), gr.File()
        gr.Examples([["a"], ["b"]], text, file, report, cache_examples=True, label="Reports", api_name="example")

    with AppTest(make_page(build)) as test:
        first, second = lines(caplog)
        assert first.startswith(f"A handler gave the file {str(in_project)!r}, which lies in the project")
        assert second.startswith("An example of 'Reports' fails, so each is worked out when somebody clicks on it: ")
        assert not any(record.exc_info for record in caplog.records)
        with pytest.raises(EventError, match=REPORT_IT):
            test.call("example", 0)


def test_an_example_that_fails_is_worked_out_anew_when_somebody_clicks(
    make_page: Callable[[Build], FastAPI], cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = ["yes"]

    def answer(text: str) -> str:
        if broken and text == "b":
            raise RuntimeError("the model is not there yet")
        return text.upper()

    def build() -> None:
        text = gr.Textbox()
        gr.Examples([["a"], ["b"]], text, gr.Textbox(), answer, cache_examples=True, api_name="example")

    caplog.set_level(logging.ERROR)
    with AppTest(make_page(build)) as test:
        [record] = [record for record in caplog.records if record.name == "app.files"]
        assert record.exc_info, "what nobody foresaw is in the log in full"
        assert not list(cache.rglob("log.csv")), "the next start would take what is half done for whole"
        broken.clear()
        assert test.call("example", 1) == ["B"]
