"""The two servers, one browser and two programs, and how a page goes through them."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext

from scripts.nginx import free_port
from tests.conftest import render

from . import ask
from .differences import allowed
from .kit import Case, media
from .views import Seen, differences, plain_text, plain_url
from .visitor import Visitor, visiting

HERE = Path(__file__).resolve().parent
PLAIN = "plain"
FOREIGN = re.compile(r"https?://(?!(127\.0\.0\.1|localhost)[:/])")
"""Nothing is asked of any other machine."""
PICTURES = "https://pictures.example.com"
"""But for this one, which is made up."""


class Side:
    """A process that serves one page after the other."""

    def __init__(self, kind: str, folder: Path) -> None:
        """Start it in a folder."""
        uploads = folder.parent / f"{folder.name}-files"
        self.log = folder.parent / f"{folder.name}.log"
        variables = {
            "CONFORMANCE_PORT": str(free_port()),
            "GRADIO_TEMP_DIR": str(uploads),
            "GRADIO_EXAMPLES_CACHE": str(uploads / "examples"),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "APP_UPLOAD_DIR": str(uploads),
            "HF_HUB_OFFLINE": "1",
            "PYTHONHASHSEED": "0",  # what Gradio tells about events stands in the order of sets
        }
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "serve.py"), kind],
                cwd=folder,
                env=os.environ | variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.heard()

    def heard(self) -> dict[str, Any]:
        """Read an answer."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text(encoding="utf-8")[-3000:]
        return json.loads(line)

    def say(self, command: dict[str, Any]) -> dict[str, Any]:
        """Give a command, and read the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.heard()
        assert "error" not in answer, answer["error"]
        return answer

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate(timeout=30)


@dataclass
class View:
    """What came of one page at one server."""

    seen: Seen
    policy: str = ""
    """The content policy of the page."""
    findings: list[str] = field(default_factory=list)
    """What the start said will not work."""
    leaks: list[str] = field(default_factory=list)
    """Files that came to the wrong people."""


class Suite:
    """Everything that pages go through."""

    def __init__(self, template: Path, folder: Path, browser: Browser, node: ask.JavaScript) -> None:
        """Keep what is needed; processes start when a page needs them."""
        self.template, self.folder, self.browser, self.node = template, folder, browser, node
        self.sides: dict[str, Side] = {}
        self.contexts: dict[str, BrowserContext] = {}
        self.views: dict[tuple[str, str], View] = {}
        self.met: set[str] = set()
        """Allowed differences that were there."""

    def side(self, kind: str) -> Side:
        """Give the process of plain Gradio, or of a project with this auth mode."""
        if kind not in self.sides:
            place = self.folder / kind
            if kind == PLAIN:
                place.mkdir()
            else:
                render(self.template, place, {"app_type": "blocks", "auth_mode": kind, "project_name": "Conformance"})
            self.sides[kind] = Side(PLAIN if kind == PLAIN else "project", place)
        return self.sides[kind]

    def close(self) -> None:
        """End everything."""
        for context in self.contexts.values():
            context.close()
        for side in self.sides.values():
            side.close()

    def context(self, kind: str, url: str, headers: dict[str, str]) -> BrowserContext:
        """Give the window for a server, the same for all pages so that scripts stay in its cache, and sign in."""
        if kind not in self.contexts:
            self.contexts[kind] = self.browser.new_context(
                permissions=["camera", "microphone", "clipboard-read", "clipboard-write"], locale="en-US"
            )
            self.contexts[kind].route(FOREIGN, lambda route: route.abort())
            self.contexts[kind].route(f"{PICTURES}/**", lambda route: route.fulfill(path=media("picture.png")))
        context = self.contexts[kind]
        context.clear_cookies()
        cookies = [each.split("=", 1) for each in headers.get("Cookie", "").split("; ") if "=" in each]
        context.add_cookies(
            [{"name": name, "value": value, "url": url} for name, value in cookies if not name.startswith("__Host-")]
        )
        context.set_extra_http_headers({name: value for name, value in headers.items() if name != "Cookie"})
        return context

    def view(self, case: Case, kind: str) -> View:
        """Let a page go through a server, once."""
        key = case.name, kind
        if key not in self.views:
            self.views[key] = self.look(case, kind)
        return self.views[key]

    def look(self, case: Case, kind: str) -> View:
        """Serve a page, visit it, and ask it."""
        opened = self.side(kind).say({"name": case.name})
        url, headers = opened["url"], opened.get("headers", {})
        ada = headers.get("ada", {})
        with visiting(self.context(kind, url, ada), url, ada) as visitor:
            seen = walk(visitor, case)
            view = View(seen, findings=[text for weight, text in opened.get("findings", []) if weight == "PROBLEM"])
            view.policy = httpx.get(url, headers=ada).headers.get("content-security-policy", "")
            seen.answers = self.answers(case, url, ada, both=kind in {PLAIN, "none"})
            if headers.get("bo"):
                view.leaks = leaks(url, visitor.taken, headers["bo"])
        return view

    def answers(self, case: Case, url: str, headers: dict[str, str], *, both: bool) -> dict[str, str]:
        """Ask a page by the clients for Python and, if `both`, for JavaScript."""
        client = ask.connect(url, headers, self.folder / "downloads")
        try:
            told = client.view_api(return_format="dict", print_info=False)
            assert isinstance(told, dict)
            calls = ask.calls_of(case, told)
            found = {"events": plain_text(json.dumps(told, sort_keys=True)), **ask.answers_in_python(client, calls)}
        finally:
            client._kill_heartbeat.set()  # noqa: SLF001 (`close` waits a second for it)
        return found | (self.node.ask(url, headers, calls) if both else {})

    def policy_without_eval(self, case: Case) -> tuple[list[str], str]:
        """Give what the start says where scripts may not evaluate strings, and the content policy."""
        opened = self.side("none").say({"name": case.name, "allow_eval": False})
        warned = [text for weight, text in opened["findings"] if weight == "PROBLEM" and "'unsafe-eval'" in text]
        return warned, httpx.get(opened["url"]).headers["content-security-policy"]

    def compare(self, case: Case, kind: str) -> list[str]:
        """Name what differs from plain Gradio and is not allowed to, twice in a row: Gradio's page has races."""
        if not self.compare_once(case, kind):
            return []
        for key in ((case.name, PLAIN), (case.name, kind)):
            self.views.pop(key, None)
        return self.compare_once(case, kind)

    def compare_once(self, case: Case, kind: str) -> list[str]:
        """Name what differs from plain Gradio and is not allowed to."""
        plain, ours = self.view(case, PLAIN), self.view(case, kind)
        lines = [f"plain Gradio alone: {note}" for note in plain.seen.notes if note.startswith("the visit stopped")]
        found = differences(plain.seen, ours.seen)
        if kind != "none":
            found = [line for line in found if not line.startswith("answers: only plain: javascript ")]
        titles = {line: allowed(case.name, line) for line in found}
        self.met |= {title for title in titles.values() if title}
        return lines + [line for line in found if not titles[line]] + ours.leaks


def walk(visitor: Visitor, case: Case) -> Seen:
    """Visit a page, do what it says, and tell what was seen."""
    try:
        visitor.visit()
        if case.acts:
            case.acts(visitor)
    except Exception as error:  # noqa: BLE001 (whatever stopped it, the other server is looked at too)
        visitor.seen.notes.append(f"the visit stopped: {plain_text(str(error))[:300]}")
    return visitor.leave()


def leaks(url: str, taken: set[str], other: dict[str, str]) -> list[str]:
    """Name files of one visitor that another one gets, or somebody who is not signed in."""
    public = httpx.get(f"{url}/config", headers=other).text
    found: list[str] = []
    for file in sorted(taken):
        name = file.rpartition("/")[2]
        if "/assets/" in file:  # Everybody's: the page shows it.
            continue
        if httpx.get(file).status_code < 400:
            found.append(f"nobody in particular gets {plain_url(file)}")
        if name not in public and httpx.get(file, headers=other).status_code < 400:
            found.append(f"another user gets {plain_url(file)}")
    return found
