"""Photograph every state of a page, wide and narrow, in both modes: `uv run python -m scripts.states FOLDER [APP ...]`.

For eyes; nothing is compared. Look whether each state says what to do next, and whether anything is cut or faint.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from scripts.screenshots import JOURNEYS, chromium, served

WIDTHS = {"wide": 1280, "phone": 390}
MODES = ("light", "dark")
BROKEN = {"name": "broken.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n1,2,3\n"}

Journey = Callable[[Page], object]


def nothing(_: Page) -> None:
    """Leave the page as it opens."""


def refuse_table(page: Page) -> None:
    """Upload a broken file."""
    page.locator("input[type=file]").first.set_input_files([BROKEN])
    expect(page.get_by_text("The file is broken")).to_be_visible()


def refuse_drawing(page: Page) -> None:
    """Ask for an empty canvas to be read."""
    page.get_by_role("button", name="Submit").click()
    expect(
        page.get_by_text("Draw a digit or upload").or_(page.get_by_text("The picture is empty")).first
    ).to_be_visible()


def work(page: Page) -> None:
    """Catch a model at its work."""
    page.get_by_role("textbox").last.fill("Write a long story about tides, the moon and a lighthouse.")
    page.get_by_role("textbox").last.press("Enter")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()


def refuse_message(page: Page) -> None:
    """Say more than is allowed."""
    page.get_by_role("textbox").last.fill("too long " * 2000)
    page.get_by_role("textbox").last.press("Enter")
    expect(page.get_by_text("Shorten it").first).to_be_visible()


def open_options(page: Page) -> None:
    """Have a look at the options of a chat."""
    page.get_by_role("button", name="Options").click()
    expect(page.get_by_label("Instructions")).to_be_visible()


STATES: dict[str, dict[str, Journey]] = {
    "blocks": {"empty": nothing, "result": JOURNEYS["blocks"], "error": refuse_table},
    "interface": {"empty": nothing, "result": JOURNEYS["interface"], "error": refuse_drawing},
    "chat": {
        "empty": nothing,
        "working": work,
        "result": JOURNEYS["chat"],
        "error": refuse_message,
        "options": open_options,
    },
    "streaming": {"empty": nothing, "result": JOURNEYS["streaming"]},
}


def photograph(app_type: str, folder: Path) -> None:
    """Photograph all states of one app."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        served(app_type, Path(scratch) / "app") as url,
        chromium() as browser,
    ):
        for state, journey in STATES[app_type].items():
            for size, width in WIDTHS.items():
                for mode in MODES:
                    page = browser.new_page(viewport={"width": width, "height": 844})
                    page.goto(f"{url}/?__theme={mode}")
                    expect(page.locator("footer")).to_be_visible()
                    expect(page.get_by_text("Loading...")).to_have_count(0)
                    journey(page)
                    page.wait_for_timeout(1500)  # animations; nothing depends on it
                    page.screenshot(path=folder / f"{app_type}-{state}-{size}-{mode}.png", full_page=True)
                    page.close()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or STATES:
        photograph(name, target)
