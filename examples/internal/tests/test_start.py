"""Yours: `app.py` starts as a person starts it, answers, and stops cleanly."""

import signal
import sys

import httpx
import pytest

from tests.server.access import headers
from tests.server.fixtures import started


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for processes")
def test_app_py_serves_and_stops_cleanly() -> None:
    with started("app.py") as (process, url):
        assert httpx.get(url, headers=headers(), timeout=20).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
