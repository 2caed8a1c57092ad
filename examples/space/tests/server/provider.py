"""A provider on this machine, and a visitor who signs in there. Tests change what the provider says."""

import json
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from fastapi import FastAPI
from flask import Response, request
from starlette.testclient import TestClient
from werkzeug.serving import make_server

from tests.server.access import CLAIMS

DISCOVERY = "/.well-known/openid-configuration"


class Provider:
    """What the provider was asked, and how a test wants its answers changed."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.changes: dict[str, Callable[[Any], Any]] = {}

    def note(self) -> None:
        self.asked.append((request.path, request.values.to_dict()))

    def change(self, response: Response) -> Response:
        if request.path in self.changes:
            response.set_data(json.dumps(self.changes[request.path](response.json)))
        return response

    def questions(self, path: str) -> list[dict[str, str]]:
        """Give what was sent to a path."""
        return [values for asked, values in self.asked if asked == path]

    @contextmanager
    def serve(self, port: int = 0) -> Generator[str]:
        """Answer for a while."""
        users = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in CLAIMS.items()]
        app = oidc_provider_mock.app(require_nonce=True, user_claims=users)
        app.before_request(self.note)
        app.after_request(self.change)
        server = make_server("127.0.0.1", port, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")  # It does without https here.
                yield self.url
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class Visitor:
    """A browser that shows what it gets and follows no redirect by itself."""

    def __init__(self, app: FastAPI, base_url: str = "http://localhost") -> None:
        sent = {"accept": "text/html", "sec-fetch-dest": "document"}
        self.http: Any = TestClient(app, base_url, headers=sent, follow_redirects=False)

    @property
    def session(self) -> str:
        """The cookie of the sign-in."""
        return self.http.cookies.get(self.http.app.state.access.settings.session_cookie, "")

    def leave(self, path: str = "/") -> str:
        """Open a page, be sent to the login page, be sent to the provider."""
        answer = self.http.get(path)
        assert answer.status_code == 303, answer.text
        answer = self.http.get(answer.headers["location"])
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def sign_in(self, user: str = "ada", path: str = "/") -> Any:  # noqa: ANN401 (the response of the test client)
        """Go all the way, and give the answer with which the app takes the visitor back."""
        return self.http.get(approve(self.leave(path), user))

    def is_in(self) -> bool:
        """Tell whether the app shows its page."""
        return self.http.get("/").status_code == 200


def approve(url: str, user: str = "ada", **form: str) -> str:
    """Sign in on the page of the provider, and give where it sends the browser."""
    answer = httpx.post(url, data={"sub": user} | form, trust_env=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def query_of(url: str) -> dict[str, str]:
    """Give the query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Leave something out of an answer."""
    return lambda answer: {key: value for key, value in answer.items() if key != name}


def assert_refused(answer: Any, status: int, text: str, caplog: pytest.LogCaptureFixture) -> None:  # noqa: ANN401
    """Look for a page that says why, offers another try, and names a line of the log."""
    assert answer.status_code == status
    assert text in answer.text
    assert 'href="/login?next=/' in answer.text
    [error_id] = re.findall(r"\(id (\w{8})\)", answer.text)
    assert error_id in caplog.text
    [facts] = [vars(record) for record in caplog.records if record.name == "app.refused"][-1:]
    assert (facts["reason"], facts["address"]) == ("sign-in", "testclient")
