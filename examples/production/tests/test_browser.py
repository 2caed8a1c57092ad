"""Journeys through the page, in a real browser."""

import io
from pathlib import Path

import pandas as pd
from playwright.sync_api import Browser, Locator, Page, expect

from tests.conftest import MakeApp, Serve
from tests.server.page import PHONE_WIDTH, assert_accessible, assert_fits_a_phone, visit

SAMPLE = "Use the sample table"
MARKUP = "<b>$n$</b>"
STORED = "(localStorage.getItem('explorer') ?? '')"
"""What the browser keeps; encrypted, so that only a change can be seen."""


def plot(page: Page) -> Locator:
    """Find what is drawn."""
    return page.locator("svg.marks:visible")


def primary(page: Page) -> Locator:
    """Find the buttons that stand out."""
    return page.locator("button.primary:visible")


def top(found: Locator) -> float:
    """Give the distance from the top of the page."""
    box = found.bounding_box()
    assert box is not None
    return box["y"]


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a drop-down."""
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_visitor_explores_the_sample(browser: Browser, make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app()) as url, visit(browser, url) as page:
        expect(page.get_by_role("button", name=SAMPLE)).to_be_visible()
        expect(page.get_by_role("button", name="Download")).to_have_count(0)
        expect(page.get_by_text("Your table will be here")).to_be_visible()
        expect(primary(page)).to_have_text([SAMPLE])
        assert_accessible(page)
        page.get_by_role("button", name=SAMPLE).click()
        expect(plot(page)).to_be_visible()
        expect(page.get_by_text("Your table will be here")).to_have_count(0)
        expect(primary(page)).to_have_text(["Download"])

        choose(page, "Column", "city")
        page.get_by_label("Value", exact=True).fill("Oslo")
        page.get_by_role("button", name="Add filter").click()
        expect(page.get_by_text("36 of 108 rows")).to_be_visible()
        page.get_by_label("bar").check()
        expect(plot(page).get_by_text("temperature (sum)")).to_be_visible()
        assert_accessible(page)

        page.get_by_role("tab", name="Statistics").click()
        expect(page.get_by_role("gridcell", name="temperature")).to_be_visible()
        page.get_by_role("tab", name="History").click()
        expect(page.get_by_role("gridcell", name="Keep city is Oslo")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        assert download.value.suggested_filename == "weather.csv"
        # Asked for once more: what a test adds to the headers of a browser is not sent with downloads.
        saved = page.request.get(download.value.url)
        assert set(pd.read_csv(io.BytesIO(saved.body()))["city"]) == {"Oslo"}

        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("108 of 108 rows")).to_be_visible()
        assert_fits_a_phone(page)


def test_preferences_outlive_a_refresh(browser: Browser, make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app()) as url, visit(browser, url) as page:
        page.get_by_role("button", name=SAMPLE).click()
        expect(plot(page)).to_be_visible()
        before = page.evaluate(STORED)
        page.get_by_label("scatter").check()
        page.wait_for_function(f"before => {STORED} !== before", arg=before)
        page.reload()
        page.get_by_role("button", name=SAMPLE).click()
        expect(page.get_by_label("scatter")).to_be_checked()


def test_on_a_phone_a_bad_file_is_explained_and_the_next_one_works(
    browser: Browser, make_app: MakeApp, serve: Serve, tmp_path: Path
) -> None:
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text("a,b\n1,2\n1,2,3\n", encoding="utf-8")
    good.write_text("a,b\n1,2\n3,4\n", encoding="utf-8")
    with serve(make_app()) as url, visit(browser, url, PHONE_WIDTH) as page:
        field = page.locator("input[type=file]")
        assert top(page.get_by_role("button", name=SAMPLE)) < top(page.get_by_text("Your table will be here"))
        field.set_input_files(bad)
        expect(page.get_by_text("The file is broken")).to_be_visible()
        field.set_input_files(good)
        expect(page.get_by_text("2 of 2 rows")).to_be_visible()
        expect(plot(page)).to_be_visible()
        assert top(plot(page)) < top(page.get_by_role("button", name=SAMPLE))  # The result first.
        assert_fits_a_phone(page)


def test_names_and_cells_are_shown_as_they_are(
    browser: Browser, make_app: MakeApp, serve: Serve, tmp_path: Path
) -> None:
    path = tmp_path / "names.csv"
    path.write_text(f"{MARKUP},*n*,,id\n<i>x</i>,1.50,01234,123456789012345678\n", encoding="utf-8")
    with serve(make_app()) as url, visit(browser, url) as page:
        page.locator("input[type=file]").set_input_files(path)
        expect(page.get_by_text("1 of 1 rows")).to_be_visible()
        expect(page.get_by_text(f"text: {MARKUP}, column 3")).to_be_visible()
        expect(plot(page).get_by_text(MARKUP)).to_be_visible()
        page.get_by_role("tab", name="Table").click()
        for cell in ("<i>x</i>", "1.50", "01234", "123456789012345678"):
            expect(page.get_by_role("gridcell", name=cell, exact=True)).to_be_visible()
        for name in (MARKUP, "*n*", "column 3", "id"):
            expect(page.get_by_role("columnheader", name=name).first).to_be_visible()
