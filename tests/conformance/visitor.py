"""Who drives a page: the words that pages describe a visit in, and what is noted on the way."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Response

from .views import SEEN, Seen, calm, plain_text, plain_url

LOADED = (Path(__file__).parent / "loaded.js").read_text(encoding="utf-8")
PATIENCE = 10_000
"""Milliseconds that a step may take."""


class Visitor:
    """One visit to one page."""

    def __init__(self, page: Page, url: str, headers: dict[str, str]) -> None:
        """Prepare it; `headers` are what a proxy in front would send."""
        self.page, self.url, self.headers, self.seen = page, url, headers, Seen()
        self.taken: set[str] = set()
        """Addresses of files that came back."""
        page.set_default_timeout(PATIENCE)
        page.on("console", self.note_console)
        page.on("pageerror", lambda error: self.seen.errors.append(plain_text(str(error))))
        page.on("requestfailed", self.note_failure)
        page.on("response", self.note_response)

    def visit(self) -> None:
        """Open the page."""
        self.page.goto(self.url, wait_until="commit")
        self.arrives()

    def leave(self) -> Seen:
        """Wait until nothing moves any more, and tell what was seen."""
        calm(self.page)
        look = self.page.evaluate(SEEN)
        self.seen.text = plain_text(look["text"]).splitlines()
        self.seen.fields = sorted(plain_text(field) for field in look["fields"])
        self.seen.pictures = sorted(plain_url(url) for url in look["broken"])
        return self.seen

    # WHAT IS NOTED

    def note_console(self, message: ConsoleMessage) -> None:
        """Keep errors, but for those that say no more than a failed request does."""
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.seen.console.append(plain_text(message.text))

    def note_failure(self, request: Request) -> None:
        """Keep requests that got no answer, unless the page gave them up itself."""
        if request.failure != "net::ERR_ABORTED":
            self.seen.requests.append(f"{request.method} {plain_url(request.url)} {request.failure}")

    def note_response(self, response: Response) -> None:
        """Keep refusals, and the addresses of files."""
        if response.url.endswith("/close") and response.status == 404:
            return  # A page that closes a stream asks Gradio to end its event, which may have ended by itself.
        if response.status >= 400:
            self.seen.requests.append(f"{response.request.method} {plain_url(response.url)} {response.status}")
        elif re.search(r"/gradio_api/(file=|stream/)", response.url):
            self.taken.add(response.url)

    # WHAT A VISITOR DOES

    def arrives(self) -> None:
        """Wait until the page is there."""
        there = "document.querySelectorAll('.gradio-container .contain, .gradio-container main > *').length"
        self.waits("a page", lambda: self.page.evaluate(there) > 0 and "Loading" not in self.shown().split("\n")[1:3])
        calm(self.page)

    def field(self, label: str) -> Locator:
        """Find a field."""
        inputs, words = self.page.locator("input, textarea"), re.compile(rf"^\s*{re.escape(label)}\s*$")
        block = self.page.locator(".block").filter(has=self.page.get_by_test_id("block-info").filter(has_text=words))
        return self.page.get_by_label(label).and_(inputs).or_(block.locator(inputs)).first

    def fill(self, label: str, text: str) -> None:
        """Write into a field."""
        self.field(label).fill(text)

    def press(self, label: str, key: str) -> None:
        """Press a key in a field."""
        self.field(label).press(key)

    def click(self, name: str) -> None:
        """Click a button."""
        self.button(name).first.click()

    def has(self, name: str) -> bool:
        """Tell whether there is a button."""
        return self.button(name).count() > 0

    def button(self, name: str) -> Locator:
        """Find a button; before its name there may be that of its icon."""
        return self.page.get_by_role("button", name=re.compile(rf"(^|\s){re.escape(name)}$"))

    def says(self, text: str) -> None:
        """Write to a chat and send it."""
        field = self.page.locator("textarea:visible").last
        field.fill(text)
        field.press("Enter")

    def upload(self, *files: str | bytes) -> None:
        """Choose files and wait until they are sent, or choose one with this content."""
        field = self.page.locator("input[type=file]").first
        if isinstance(files[0], bytes):
            field.set_input_files({"name": "made.bin", "mimeType": "application/octet-stream", "buffer": files[0]})
            return
        with self.page.expect_response(re.compile(r"/gradio_api/upload(\?|$)")):
            field.set_input_files([str(file) for file in files])

    def downloads(self, link: Locator) -> None:
        """Take a file, and keep what is in it."""
        with self.page.expect_download(timeout=PATIENCE) as coming:
            link.click()
        # The browser of the tests sends the headers of a proxy with everything but downloads.
        by_proxy = "Cookie" not in self.headers and self.headers
        content = httpx.get(coming.value.url, headers=self.headers).content if by_proxy else None
        content = Path(coming.value.path()).read_bytes() if content is None else content
        digest = hashlib.sha256(content).hexdigest()[:16]
        self.seen.files.append(f"{coming.value.suggested_filename} {digest}")
        self.taken.add(coming.value.url)

    # WHAT A VISITOR WAITS FOR

    def waits(self, what: str, test: Callable[[], bool]) -> None:
        """Wait until a test holds."""
        give_up = time.monotonic() + PATIENCE / 1000
        while not test():
            assert time.monotonic() < give_up, f"not there: {what}"
            self.page.wait_for_timeout(50)

    def shown(self) -> str:
        """Give all texts, and each field as `Label=value` on a line of its own."""
        look = self.page.evaluate(SEEN)
        return "\n".join([look["text"], *look["fields"], ""])

    def sees(self, *texts: str) -> None:
        """Wait until all of these texts are there."""
        self.waits(str(texts), lambda: all(text in self.shown() for text in texts))

    def sees_one_of(self, *texts: str) -> None:
        """Wait until one of these texts is there."""
        self.waits(" or ".join(texts), lambda: any(text in self.shown() for text in texts))

    def hears(self, *events: str) -> None:
        """Wait until the box of `listen` names these events."""

        def heard() -> set[str]:
            return set(re.sub(r".*^Heard=(.*?)$.*", r"\1", self.shown(), flags=re.DOTALL | re.MULTILINE).split())

        self.waits(str(events), lambda: set(events) <= heard())

    def takes(self, tag: str, count: int) -> None:
        """Wait until so many pictures, sounds or films have loaded."""
        self.waits(f"{count} {tag}", lambda: self.page.evaluate(LOADED, tag) >= count)

    def draws(self, count: int) -> None:
        """Wait until so many plots are drawn."""
        drawn = "document.querySelectorAll('canvas, svg.marks').length"
        self.waits(f"{count} plots", lambda: self.page.evaluate(drawn) >= count)

    def fetches(self, *parts: str) -> None:
        """Wait until files with these words in their addresses came."""
        self.waits(f"{parts} in {self.taken}", lambda: all(any(part in url for url in self.taken) for part in parts))

    def finds(self, expression: str, value: str) -> None:
        """Wait until an expression of the page has a value."""
        self.waits(f"{expression} = {value!r}", lambda: self.page.evaluate(expression) == value)

    def notes(self, expression: str) -> None:
        """Keep the value of an expression, so that it is compared."""
        self.seen.notes.append(str(self.page.evaluate(expression)))


@contextmanager
def visiting(context: BrowserContext, url: str, headers: dict[str, str]) -> Iterator[Visitor]:
    """Open a page in a browser, and close it in the end, so that its streams end."""
    page = context.new_page()
    try:
        yield Visitor(page, url, headers)
    finally:
        page.close()
