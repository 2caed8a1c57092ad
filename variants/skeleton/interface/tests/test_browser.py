"""One journey through the page, in a real browser."""

from playwright.sync_api import Browser, expect

from tests.conftest import MakeApp, Serve
from tests.server.page import assert_accessible, assert_fits_a_phone, visit


def test_a_visitor_writes_a_text_and_reads_the_result(browser: Browser, make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app()) as url, visit(browser, url) as page:
        page.get_by_label("Text").fill("Hello world")
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_text("characters")).to_be_visible()
        assert_accessible(page)
        assert_fits_a_phone(page)
