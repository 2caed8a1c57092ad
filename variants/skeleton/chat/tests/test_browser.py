"""One journey through the page, in a real browser."""

from playwright.sync_api import Browser, expect

from tests.conftest import MakeApp, Serve
from tests.server.page import assert_accessible, assert_fits_a_phone, open_page, visit


def test_a_visitor_writes_a_message_and_reads_the_answer(browser: Browser, make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app()) as url, visit(browser, url) as page:
        page.get_by_role("textbox").fill("Hello")
        page.get_by_role("textbox").press("Enter")
        expect(page.locator(".bot")).to_contain_text("You wrote: Hello")
        assert_accessible(page)
        assert_fits_a_phone(page)


def test_after_a_failure_the_box_is_free_with_the_question_in_it(
    browser: Browser, make_app: MakeApp, serve: Serve
) -> None:
    # Not by `visit`: the browser itself notes a failed event in the console.
    with serve(make_app()) as url, open_page(browser, url) as page:
        page.goto("/")
        for message in (" ", "Hello"):
            page.get_by_role("textbox").fill(message)
            page.get_by_role("textbox").press("Enter")
            if message == " ":
                expect(page.get_by_text("Write something first")).to_be_visible()
                expect(page.get_by_role("textbox")).to_be_enabled()
        expect(page.locator(".bot")).to_contain_text("You wrote: Hello")
