"""One journey through the page, in a real browser."""

from PIL import Image
from playwright.sync_api import expect

from tests.server.page import visit


def test_a_visitor_softens_a_picture(browser, make_app, serve, tmp_path):
    Image.new("RGB", (30, 20), "red").save(tmp_path / "red.png")
    with serve(make_app()) as url, visit(browser, url) as page:
        page.locator("input[type=file]").set_input_files(tmp_path / "red.png")
        expect(page.get_by_role("img").first).to_be_visible()
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_text("colours")).to_be_visible()
