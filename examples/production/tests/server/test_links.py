"""Links to a page as it is: for whoever made them, for a time, and only where a setting opens them."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect

from server import application, gradio_files
from server.queueing import queue_options
from tests.server.client import AppTest
from tests.server.fixtures import MakeApp, MakeSettings, Serve
from tests.server.page import visit
from tests.server.test_gradio_adapter import holds


def test_links_go_when_their_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with holds("gradio.utils.get_upload_folder"):
        monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
        for name, age in (("old", 100), ("new", 10)):
            state = tmp_path / "deep_links" / name / "state.json"
            state.parent.mkdir(parents=True)
            state.write_text("[]")
            os.utime(state, (time.time() - age,) * 2)
        gradio_files.forget_links(50)
        assert [path.name for path in (tmp_path / "deep_links").iterdir()] == ["new"]


def make_linked(make_settings: MakeSettings, **changes: Any) -> FastAPI:  # noqa: ANN401
    settings = make_settings(**{"deep_links": True, **changes})
    with gr.Blocks(analytics_enabled=False) as demo:
        text, said = gr.Textbox(label="Text"), gr.Textbox(label="Said")
        gr.DeepLinkButton()
        text.submit(lambda text: text.upper(), text, said, api_name="say")
    demo.queue(**queue_options(settings))
    return application.create_app(demo, settings)


def link_of(test: AppTest, text: str) -> str:
    """Make a link to a page on which something was said, as the button does."""
    test.call("say", text)
    made = test.http.get(f"/gradio_api/deep_link?session_hash={test.session}")
    assert made.status_code == 200, made.text
    return made.json()


def test_links_are_closed_unless_a_setting_opens_them(make_app: MakeApp) -> None:
    with AppTest(make_app()) as test:
        for path in (f"/gradio_api/deep_link?session_hash={test.session}", "/?deep_link=abc", "/config?deep_link=abc"):
            assert test.http.get(path).status_code == 404, path


def test_a_link_gives_what_its_maker_saw_and_nothing_of_anybody_else(make_settings: MakeSettings) -> None:
    app = make_linked(make_settings)
    with AppTest(app, "ada") as ada:
        bo = ada.another("bo")
        # Side by side, in both orders: what one says must never be in a link of the other.
        first, second = link_of(ada, "secret of ada"), link_of(bo, "secret of bo")
        third = link_of(ada, "more of ada")
        for link, own, foreign in ((first, "SECRET OF ADA", "BO"), (third, "MORE OF ADA", "BO")):
            for path in ("/", "/config"):
                text = ada.http.get(f"{path}?deep_link={link}").text
                assert own in text
                assert f"OF {foreign}" not in text
        assert "SECRET OF BO" in bo.http.get(f"/?deep_link={second}").text
        assert "SECRET OF ADA" not in bo.http.get(f"/?deep_link={second}").text
        for query in (first, f"{second}&deep_link={first}", f"{first}&deep_link={second}"):
            answer = bo.http.get(f"/config?deep_link={query}")
            if app.state.access.known_only:
                assert answer.status_code == 403
                assert "OF ADA" not in answer.text
        # Nor by making it in the session of another.
        foreign_session = bo.http.get(f"/gradio_api/deep_link?session_hash={ada.session}")
        assert foreign_session.status_code == (403 if app.state.access.known_only else 200)
        # What it keeps is no download.
        state = Path(os.environ["GRADIO_TEMP_DIR"]) / "deep_links" / first / "state.json"
        assert "SECRET OF ADA" in json.dumps(json.loads(state.read_text()))
        if app.state.access.known_only:
            assert bo.http.get(f"/gradio_api/file={state}").status_code == 403
        assert ada.http.get("/gradio_api/deep_link?session_hash=never-seen").json() == ""
        assert ada.http.get("/gradio_api/deep_link").status_code == 422
        assert "deep_link_state" in ada.http.get("/?deep_link=../../x").text or app.state.access.known_only


def test_two_visitors_may_make_the_same_link(make_settings: MakeSettings) -> None:
    with AppTest(make_linked(make_settings), "ada") as ada:
        bo = ada.another("bo")
        links = {test: link_of(test, "hello") for test in (ada, bo)}
        for test, link in links.items():
            assert "HELLO" in test.http.get(f"/?deep_link={link}").text


def test_an_old_link_is_gone_when_somebody_opens_one(make_settings: MakeSettings) -> None:
    with AppTest(make_linked(make_settings, file_ttl=5)) as test:
        link = link_of(test, "old news")
        state = Path(os.environ["GRADIO_TEMP_DIR"]) / "deep_links" / link / "state.json"
        os.utime(state, (time.time() - 6,) * 2)
        assert "OLD NEWS" not in test.http.get(f"/?deep_link={link}").text
        assert not state.exists()


def test_the_button_works_in_a_browser(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    with serve(make_linked(make_settings)) as url, visit(browser, url) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_label("Text").fill("to share")
        page.get_by_label("Text").press("Enter")
        expect(page.get_by_label("Said")).to_have_value("TO SHARE")
        with page.expect_response(lambda answer: "deep_link" in answer.url) as made:
            page.get_by_role("button", name="Share via Link").click()
        link = made.value.json()
        expect(page.get_by_role("button", name="Link Copied!")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == f"{url}/?deep_link={link}"
        icon = page.locator("button img").first
        assert icon.evaluate("it => it.decode().then(() => it.naturalWidth)") > 0
        page.goto(f"/?deep_link={link}")
        expect(page.get_by_label("Said")).to_have_value("TO SHARE")
        expect(page.get_by_label("Text")).to_have_value("to share")


def test_a_chat_with_files_is_in_a_link(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    settings = make_settings(deep_links=True)

    def answer(message: dict[str, Any], _: list[Any]) -> Iterator[str]:
        for length in range(len(message["text"])):
            yield "You typed: " + message["text"][: length + 1]

    with gr.Blocks(analytics_enabled=False) as demo:
        gr.ChatInterface(answer, multimodal=True, api_name="chat")
        gr.DeepLinkButton()
    demo.queue(**queue_options(settings))
    with serve(application.create_app(demo, settings)) as url, visit(browser, url) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("textbox").last.fill("hello")
        page.get_by_role("textbox").last.press("Enter")
        expect(page.get_by_text("You typed: hello", exact=True)).to_be_visible()
        with page.expect_response(lambda answer: "deep_link" in answer.url) as made:
            page.get_by_role("button", name="Share via Link").click()
        page.goto(f"/?deep_link={made.value.json()}")
        expect(page.get_by_text("You typed: hello", exact=True)).to_be_visible()
