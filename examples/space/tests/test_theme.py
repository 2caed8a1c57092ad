"""Yours: the look of the page. Text can be read on it, by day and by night, whatever the accent is."""

from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from pydantic import ValidationError

from tests.conftest import MakeApp, MakeSettings, Serve
from tests.server.page import visit
from utils.theme import READABLE, build_theme, contrast, shades

ACCENTS = ("#0f766e", "#ffffff", "#000000", "#ffd400", "#ff0066", "#3b82f6")


@pytest.mark.parametrize("accent", ACCENTS)
def test_white_text_can_be_read_on_every_accent(accent: str) -> None:
    for shade in (shades(accent).c600, shades(accent).c700):
        colour = (int(shade[1:3], 16), int(shade[3:5], 16), int(shade[5:], 16))
        assert contrast(colour, (255, 255, 255)) >= READABLE


def test_an_accent_that_can_be_read_already_is_used_as_it_is() -> None:
    assert shades("#0f766e").c600 == "#0f766e"


def test_the_accent_is_what_can_be_clicked_and_the_fonts_are_the_system_s(make_settings: MakeSettings) -> None:
    theme = cast("Any", build_theme(make_settings(accent="#b4005a")))
    assert theme.primary_600 == shades("#b4005a").c600
    assert theme.font.startswith("'system-ui'") or theme.font.startswith("system-ui")


@pytest.mark.parametrize("wrong", ["teal", "#fff", "0f766e", "#0f766e; }"])
def test_what_is_no_colour_is_refused(wrong: str, make_settings: MakeSettings) -> None:
    with pytest.raises(ValidationError, match="accent"):
        make_settings(accent=wrong)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_everything_on_the_page_can_be_read(mode: str, browser: Browser, make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app(accent="#b4005a")) as url, visit(browser, url) as page:
        page.goto(f"/?__theme={mode}")
        expect(page.locator("footer")).to_be_visible()
        found = cast(
            "list[dict[str, Any]]", Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
        )
        assert [node["html"] for finding in found for node in finding["nodes"]] == []
