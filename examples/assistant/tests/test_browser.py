"""The page in a real browser."""

import re

from playwright.sync_api import Browser, Page, expect

from app import EXAMPLES, build_demo
from server import application
from tests.conftest import MakeSettings, Serve
from tests.models import WAIT_SECONDS, Counting, Endless, Scripted
from tests.server.page import assert_accessible, assert_fits_a_phone, open_page, visit

RICH = "# Title\n\n```python\nprint(1)\n```\n\nMath: $a^2$\n\n<script>alert(1)</script>"


def say(page: Page, text: str) -> None:
    """Write a message and send it."""
    message = page.get_by_role("textbox", name=re.compile("^Message"))
    expect(message).to_be_enabled()
    message.fill(text)
    page.get_by_role("button", name="Send").click()


def test_a_visitor_talks_and_finds_the_conversation_again(
    browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    settings, [example] = make_settings(), EXAMPLES[1]
    app = application.create_app(build_demo(settings, Counting()), settings)
    with serve(app) as url, visit(browser, url) as page:
        expect(page.get_by_text("Counts for a test.")).to_be_visible()
        assert_accessible(page)
        page.get_by_role("button", name=example).click()
        expect(page.locator(".bot")).to_contain_text(f"Words: {len(example.split())}. Messages from you: 1.")
        say(page, "And now?")
        expect(page.locator(".bot").nth(1)).to_contain_text("Words: 2. Messages from you: 2.")
        assert_accessible(page)
        assert_fits_a_phone(page)
        page.reload()
        page.get_by_role("row", name=example).click()
        expect(page.locator(".bot")).to_have_count(2)


def test_stopping_and_leaving_reach_the_model(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    settings, model = make_settings(), Endless()
    app = application.create_app(build_demo(settings, model), settings)
    with serve(app) as url:
        with visit(browser, url) as page:
            for number in (1, 2):
                say(page, "Hello")
                expect(page.locator(".bot .prose")).to_have_count(number)
                expect(page.locator(".bot .prose").last).to_contain_text("Endless")
                page.get_by_role("button", name="Stop").click()
                assert model.told_to_stop.wait(WAIT_SECONDS)
                model.told_to_stop.clear()
                expect(page.locator(".bot .prose").last).to_contain_text("Endless")
            model.silent = False
            say(page, "Hello")
            expect(page.locator(".bot .prose").last).to_contain_text("Endless.")
        assert model.told_to_stop.wait(WAIT_SECONDS)


def test_a_refused_message_does_not_reach_the_model_and_markup_does_no_harm(
    browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    settings, model = make_settings(max_prompt_chars=10), Scripted(RICH)
    app = application.create_app(build_demo(settings, model), settings)
    # Not by `visit`: the browser itself notes the refusal, status 422, in the console.
    with serve(app) as url, open_page(browser, url) as page:
        page.goto("/")
        say(page, "short")
        expect(page.locator(".bot h1")).to_have_text("Title")
        expect(page.locator(".bot code")).to_contain_text("print(1)")
        expect(page.locator(".bot script")).to_have_count(0)
        say(page, "longer than ten")
        expect(page.get_by_text("Shorten it to 10")).to_be_visible()
        say(page, "short two")
        expect(page.locator(".bot h1")).to_have_count(2)
    assert [messages[-1]["content"] for messages in model.asked] == ["short", "short two"]
