"""Photograph every state of a page, wide and narrow, in both modes: `uv run python -m scripts.states FOLDER [APP ...]`.

For eyes; nothing is compared. Look whether each state says what to do next, and whether anything is cut or faint.
"""

import json
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, expect
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from scripts.screenshots import JOURNEYS, chromium, served

WIDTHS = {"wide": 1280, "phone": 390}
MODES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
PASSWORD = secrets.token_urlsafe(16)
BROKEN = {"name": "broken.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n1,2,3\n"}

Journey = Callable[[Page], object]


def nothing(page: Page) -> None:
    """Leave the page as it opens."""
    expect(page.locator("footer")).to_be_visible()
    expect(page.get_by_text("Loading...")).to_have_count(0)


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
    page.get_by_role("button", name=re.compile("Send|Run")).click()
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
    "streaming": {"empty": nothing, "working": work, "result": JOURNEYS["streaming"]},
}


def sign_in(page: Page) -> None:
    """Sign in with a password."""
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Signed in as")).to_be_visible()
    nothing(page)


SIGNED_IN: dict[str, Journey] = {"signing-in": lambda _: None, "signed-in": sign_in}


def photograph(url: str, states: Mapping[str, Journey], path: Path) -> None:
    """Photograph all states of one app that is served."""
    with chromium() as browser:
        for state, journey in states.items():
            for size, width in WIDTHS.items():
                for mode in MODES:
                    # What is no page of Gradio goes by the wish of the browser.
                    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=mode)
                    page.goto(f"{url}/?__theme={mode}")
                    journey(page)
                    page.wait_for_timeout(1500)  # animations; nothing depends on it
                    page.screenshot(path=path.with_name(f"{path.name}-{state}-{size}-{mode}.png"), full_page=True)
                    page.close()


def main(folder: Path, app_types: Iterable[str]) -> None:
    """Serve each app twice, as it is and with a sign-in."""
    folder.mkdir(parents=True, exist_ok=True)
    hashed = PasswordHash((Argon2Hasher(),)).hash(PASSWORD)
    account = {"APP_ACCOUNTS": json.dumps({"ada": hashed}), "APP_SESSION_SECRET": secrets.token_urlsafe(32)}
    for app_type in app_types:
        with tempfile.TemporaryDirectory() as scratch:
            with served(app_type, Path(scratch) / "open") as url:
                photograph(url, STATES[app_type], folder / app_type)
            with served(app_type, Path(scratch) / "closed", account, auth_mode="password") as url:
                photograph(url, SIGNED_IN, folder / app_type)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or STATES)
