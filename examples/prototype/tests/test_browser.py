"""One journey through the page, in a real browser."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.conftest import MakeApp, Serve
from tests.server.page import assert_accessible, assert_fits_a_phone, visit


def draw_a_one(page: Page) -> None:
    """Draw a vertical line. The pen is in hand when the page opens."""
    expect(page.get_by_role("button", name="Brush").first).to_be_visible()
    box = page.locator("canvas").first.bounding_box()
    assert box is not None
    x, top, bottom = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.3, box["y"] + box["height"] * 0.7
    page.mouse.move(x, top)
    page.mouse.down()
    page.mouse.move(x, bottom, steps=4)
    page.mouse.up()


def test_a_visitor_draws_a_digit_and_reads_the_answer(browser: Browser, make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app(model_workers=0)) as url, visit(browser, url) as page:
        submit = page.get_by_role("button", name="Submit")
        expect(submit).to_be_visible()
        assert_accessible(page)
        draw_a_one(page)
        submit.click()
        answers = page.get_by_test_id("label-output-value")
        expect(answers).to_have_text(re.compile(r"1"))
        assert_fits_a_phone(page)


def test_a_visitor_picks_an_example(browser: Browser, make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app(model_workers=0)) as url, visit(browser, url) as page:
        undo = page.get_by_role("button", name="Undo")
        expect(undo).to_be_disabled()
        page.locator(".gallery-item").nth(1).click()
        expect(undo).to_be_enabled()  # The picture is on the canvas.
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_test_id("label-output-value")).to_have_text("5")
