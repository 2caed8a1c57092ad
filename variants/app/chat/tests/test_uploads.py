"""Files that visitors attach to a message, through the gate, the queue and the page."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from app import build_demo
from server import application
from services.errors import InputError
from services.protocol import ModelUnavailableError
from tests.conftest import MakeSettings, Serve
from tests.models import Broken, Scripted
from tests.pdfs import pdf, picture
from tests.server.access import headers
from tests.server.client import AppTest, EventError
from tests.server.page import assert_accessible, assert_fits_a_phone, open_page, visit
from tests.test_browser import answers, asked, told
from utils.attaching import Attachments, without_paths
from utils.history import Turn

REPORT = '<file name="report.pdf">\nSales are up.\n</file>'


def app_with(make_settings: MakeSettings, model: Any, **changes: Any) -> FastAPI:  # noqa: ANN401
    settings = make_settings(**({"uploads": True} | changes))
    return application.create_app(build_demo(settings, model), settings)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf("Sales are up."))
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(picture())
    return path


def message(text: str, *files: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"text": text, "files": list(files)}


# PROGRAMS


def test_the_text_of_a_file_goes_to_the_model_and_stays_in_the_conversation(
    make_settings: MakeSettings, report: Path
) -> None:
    model = Scripted("They are.")
    with AppTest(app_with(make_settings, model)) as test:
        assert test.call("chat", message("Are they?", test.upload(report)), None, "", 20)[0] == "They are."
        test.call("chat", message("Really?"), None, "", 20)
    first = {"role": "user", "content": f"{REPORT}\nAre they?"}
    # To the letter: model servers know again what they have read once.
    assert model.asked[0] == [first]
    assert model.asked[1] == [
        first,
        {"role": "assistant", "content": "They are."},
        {"role": "user", "content": "Really?"},
    ]


def test_a_picture_goes_to_a_model_that_sees_and_the_newest_ones_first(
    make_settings: MakeSettings, photo: Path
) -> None:
    model = Scripted("A photo.")
    with AppTest(app_with(make_settings, model, upload_pictures=1)) as test:
        for question in ("What is it?", "And in colour?"):
            test.call("chat", message(question), None, "", 20)
            test.call("chat", message("", test.upload(photo)), None, "", 20)
        test.call("chat", message("Which?"), None, "", 20)
    with_pictures = [[bool(one.get("pictures")) for one in asked if one["role"] == "user"] for asked in model.asked]
    # The picture of an earlier turn gives way, and with it a message that holds nothing else.
    assert with_pictures == [
        [False],
        [False, True],
        [False, True, False],
        [False, False, True],
        [False, False, True, False],
    ]


def test_a_model_that_sees_nothing_is_sent_no_picture(make_settings: MakeSettings, photo: Path) -> None:
    model = Scripted("A photo.")
    with (
        AppTest(app_with(make_settings, model)) as test,
        pytest.raises(EventError, match=r"photo\.png is a picture, and the model sees none"),
    ):
        test.call("chat", message("What is it?", test.upload(photo)), None, "", 20)
    assert not model.asked


def test_nothing_at_all_is_refused_and_a_file_alone_is_not(make_settings: MakeSettings, report: Path) -> None:
    model = Scripted("They are.")
    with AppTest(app_with(make_settings, model)) as test:
        with pytest.raises(EventError, match="Write a message first"):
            test.call("chat", message("  "), None, "", 20)
        test.call("chat", message("  ", test.upload(report)), None, "", 20)
    assert model.asked == [[{"role": "user", "content": REPORT}]]


def test_files_of_the_server_and_of_other_users_are_not_read(make_settings: MakeSettings, report: Path) -> None:
    model, settings = Scripted("They are."), make_settings(uploads=True)
    with AppTest(app_with(make_settings, model)) as test:
        own = test.upload(report)
        for path in (str(Path(__file__)), str(settings.upload_dir / ".." / "x")):
            with pytest.raises(EventError):
                test.call("chat", message("Read this", own | {"path": path}), None, "", 20)
        if headers("bo"):  # Guests cannot be told apart.
            with pytest.raises(EventError):
                test.another("bo").call("chat", message("Read this", own), None, "", 20)
        assert not model.asked
        test.call("chat", message("Read this", own), None, "", 20)


def test_a_path_outside_of_the_uploads_is_taken_from_nobody(make_settings: MakeSettings) -> None:
    reads = Attachments(make_settings(uploads=True))
    with pytest.raises(InputError, match=r"^passwd is not kept any more"):
        reads.read_now(message("Read this", "/etc/passwd"))


def test_files_are_not_taken_where_they_are_off(make_settings: MakeSettings, report: Path) -> None:
    settings = make_settings()
    with pytest.raises(InputError, match="At most 0 files"):
        Attachments(settings).read_now(message("Read this", str(settings.upload_dir / "report.pdf")))
    model = Scripted("They are.")
    with AppTest(app_with(make_settings, model, uploads=False)) as test:
        test.call("chat", message("Are they?", test.upload(report)), None, "", 20)
    assert "Sales" not in str(model.asked)


# WHAT IS SAVED


def turn(role: str, *blocks: Any) -> Turn:  # noqa: ANN401
    return Turn(role=role, content=list(blocks))


def test_a_saved_conversation_names_files_and_no_paths() -> None:
    kept = {"type": "text", "text": "Are they?"}
    before = [turn("user", {"type": "file", "file": {"path": "/uploads/abc/report.pdf"}}, kept)]
    assert without_paths(before)[0]["content"] == [{"type": "text", "text": "\N{PAPERCLIP} report.pdf\n"}, kept]
    assert "file" in before[0]["content"][0]


# THE PAGE


def attach(page: Page, text: str, *files: Path) -> None:
    """Attach files, write a message and send it."""
    write(page, text, *files)
    page.get_by_role("button", name="Submit", exact=True).click()


def write(page: Page, text: str, *files: Path) -> None:
    box = page.get_by_placeholder("Write a message")
    expect(box).to_be_enabled()
    if files:
        page.locator("input[type=file]").first.set_input_files([str(path) for path in files])
        expect(page.locator(".thumbnail-item")).to_have_count(len(files))
    box.fill(text)


def test_a_visitor_attaches_a_file_and_finds_the_conversation_again(
    browser: Browser, make_settings: MakeSettings, serve: Serve, report: Path
) -> None:
    model = Scripted("They are.")
    with serve(app_with(make_settings, model)) as url, visit(browser, url) as page:
        expect(page.get_by_placeholder("Write a message")).to_be_visible()
        assert_accessible(page)
        attach(page, "Are they?", report)
        told(page, "They are.")
        expect(page.get_by_text("Sales are up.")).to_be_hidden()
        page.get_by_role("button", name="File: report.pdf").click()
        expect(page.get_by_text("Sales are up.")).to_be_visible()
        assert_fits_a_phone(page)
        page.set_viewport_size({"width": 1280, "height": 900})
        page.reload()
        page.get_by_role("row", name="report.pdf").click()
        expect(page.locator(".user").first).to_contain_text("report.pdf")
        attach(page, "Really?")
        expect(answers(page).get_by_text("They are.")).to_have_count(2)
        assert [one["content"] for one in model.asked[1]] == [
            f"{REPORT}\n\N{PAPERCLIP} report.pdf\n\nAre they?",
            "They are.",
            "Really?",
        ]


def test_a_bad_file_is_one_sentence_and_the_box_stays_as_it_is(
    browser: Browser, make_settings: MakeSettings, serve: Serve, report: Path, photo: Path
) -> None:
    model = Scripted("They are.")
    # Not by `visit`: the browser itself notes the refusal, status 422, in the console.
    with serve(app_with(make_settings, model)) as url, open_page(browser, url) as page:
        page.goto("/")
        attach(page, "What is it?", photo)
        expect(page.get_by_text("photo.png is a picture, and the model sees none")).to_be_visible()
        expect(page.locator(".thumbnail-item")).to_have_count(1)
        page.get_by_role("button", name="Remove file").click()
        attach(page, "Are they?", report)
        told(page, "They are.")
    assert len(model.asked) == 1


def test_a_question_with_a_file_is_tried_again_and_taken_back(
    browser: Browser, make_settings: MakeSettings, serve: Serve, report: Path
) -> None:
    model = Broken(ModelUnavailableError("Try it later."), times=1)
    with serve(app_with(make_settings, model)) as url, visit(browser, url) as page:
        attach(page, "Are they?", report)
        told(page, "Try it later.")
        page.get_by_role("button", name="Try again").click()
        told(page, "and again")
        page.get_by_role("button", name="Retry").click()
        asked(page, model, 3)
        told(page, "and again")
        expect(page.get_by_role("button", name="Edit")).to_have_count(0)
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".user")).to_have_count(0)
        expect(page.locator(".thumbnail-item")).to_have_count(1)
        page.get_by_role("button", name="Submit", exact=True).click()
        asked(page, model, 4)
    assert [messages[-1]["content"] for messages in model.asked] == [f"{REPORT}\nAre they?"] * 4
    assert {len(messages) for messages in model.asked} == {1}
