"""The client of Example Inc., against a fake of its server."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app import build_demo
from server import application
from services.model import load_model
from services.protocol import Message, ModelUnavailableError
from tests.models import collect
from tests.server.client import AppTest
from utils.models import build_model

QUESTION = [Message(role="user", content="Hello")]
ASKED = []


class Fake(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        ASKED.append((self.path, self.headers["x-key"], body))
        self.send_response(200)
        self.end_headers()
        for piece in ("Hel", "lo"):
            self.wfile.write(json.dumps(piece).encode() + b"\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def url():
    ASKED.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Fake) as fake:
        threading.Thread(target=fake.serve_forever).start()
        yield f"http://127.0.0.1:{fake.server_port}"
        fake.shutdown()


def test_an_answer_comes_piece_by_piece(url):
    assert asyncio.run(collect(load_model(url, "secret").stream(QUESTION, 20))) == ["Hel", "lo"]
    assert ASKED == [("/write", "secret", {"talk": [["user", "Hello"]], "most": 20})]


def test_a_server_that_is_away_is_said():
    with pytest.raises(ModelUnavailableError, match="Try again"):
        asyncio.run(collect(load_model("http://127.0.0.1:9", "").stream(QUESTION, 20)))


def test_the_page_asks_the_server_of_the_settings(url, make_settings):
    settings = make_settings(vendor_url=url, vendor_key="secret")
    build_model(settings).warm_up()
    with AppTest(application.create_app(build_demo(settings), settings)) as test:
        assert test.call("chat", "Hello", None, "", 20)[0] == "Hello"
