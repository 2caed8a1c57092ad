"""What is seen on a page, written so that two servers can be compared."""

import re
import time
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Page

SEEN = (Path(__file__).parent / "look.js").read_text(encoding="utf-8")
STABLE = 3
"""So many looks in a row are the same when nothing moves any more."""
LOOK = 80
"""Milliseconds between two of them."""
LONGEST = 5
"""Seconds to wait for that; some pages move all the time."""


PASSING = re.compile(r"common\.complete|In queue: \d+ of \d+")
"""What stands there for a moment, for those who listen to the page."""


@dataclass
class Seen:
    """What one visit showed."""

    text: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    """Pictures that did not come."""
    requests: list[str] = field(default_factory=list)
    """Requests that failed."""
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Errors that nothing on the page caught."""
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    """What programs got, by client and event."""


def differences(plain: Seen, ours: Seen) -> list[str]:
    """Name what is not the same, a line each."""
    found: list[str] = []
    for each in fields(Seen):
        left, right = getattr(plain, each.name), getattr(ours, each.name)
        if each.name == "text" and "Loading" not in right:  # in a stream without an end, plain Gradio lags behind
            left = [line for line in left if line != "Loading"]
        if isinstance(left, dict):
            left, right = ([f"{key}: {value}" for key, value in sorted(side.items())] for side in (left, right))
        if each.name in {"requests", "console", "errors"}:  # how often says nothing
            left, right = sorted(set(left)), sorted(set(right))
        more, less = Counter(left) - Counter(right), Counter(right) - Counter(left)
        found += [f"{each.name}: only plain: {line}" for line in more]
        found += [f"{each.name}: only here: {line}" for line in less]
        if each.name == "text" and left != right and not more and not less:
            found.append("text: the order differs")
    return found


def calm(page: Page) -> None:
    """Wait until nothing moves any more."""
    give_up, same, last = time.monotonic() + LONGEST, 0, ""
    while same < STABLE and time.monotonic() < give_up:
        look = str(page.evaluate(SEEN))
        moves = look != last or "\\nLoading" in look
        same, last = (0 if moves else same + 1), look
        page.wait_for_timeout(LOOK)


def plain_text(text: str) -> str:
    """Take out what differs from one run to the next: addresses, ids, and how long something took."""
    text = re.sub(r"https?://[^\s'\")]+", lambda match: plain_url(match[0]), text)
    text = re.sub(r"\b(127\.0\.0\.1|localhost):\d+", "HOST", text)
    text = re.sub(r"\d+\.\d+\s*s\b|\d+\.\d+/\d+\.\d+s", "", text)
    text = re.sub(r"(?m)^\d+:\d\d( / \d+:\d\d)?$", "", text)
    text = re.sub(r"\[\d\d:\d\d:\d\d\]", "", text)
    text = re.sub(r"/tmp/[^\s'\"]+/", "/", text)
    text = re.sub(r"\b[0-9a-f]{16,}\b", "ID", text)
    text = re.sub(r"\bvalue_\d+\b", "value_N", text)  # of a component without a label, by its number
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not PASSING.fullmatch(line))


def plain_url(url: str) -> str:
    """Keep of an address what says what was asked for."""
    parts = urlsplit(url)
    if parts.scheme == "data":
        return url[:40]
    path = unquote(parts.path)
    path = re.sub(r"(/file=).*/", r"\1", path)
    path = re.sub(r"(/stream/).*/", r"\1", path)
    path = re.sub(r"/heartbeat/\w+", "/heartbeat/", path)
    path = re.sub(r"-[\w-]{8}\.(js|css)$", r".\1", path)
    host = "" if parts.hostname in {"127.0.0.1", "localhost"} else f"{parts.scheme}://{parts.hostname}"
    return re.sub(r"\b[0-9a-f]{16,}\b", "ID", host + path)
