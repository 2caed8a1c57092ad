"""Yours: `app.py` starts as a person starts it, answers, and stops cleanly."""

import signal
import sys
from pathlib import Path

import httpx
import pytest

from tests.conftest import MakeApp
from tests.server.access import headers
from tests.server.client import AppTest
from tests.server.fixtures import started


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for processes")
def test_app_py_serves_and_stops_cleanly() -> None:
    with started("app.py") as (process, url):
        assert httpx.get(url, headers=headers(), timeout=20).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_what_visitors_sent_is_gone_when_the_server_has_stopped(make_app: MakeApp, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Bo", encoding="utf-8")
    with AppTest(make_app()) as test:
        sent = Path(test.upload(path)["path"])
        assert sent.is_file()
    assert not sent.exists()
