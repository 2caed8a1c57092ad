"""Any request that hypothesis can think of: a project answers each with a sentence. `FUZZ_EXAMPLES` takes more."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import render, run

REQUESTS = Path(__file__).parent / "fuzz" / "any_request.py"


@pytest.mark.slow
@pytest.mark.parametrize("auth_mode", ["none", "password"])
def test_nothing_that_is_sent_crashes_or_shows_insides(template: Path, tmp_path: Path, auth_mode: str) -> None:
    project = render(template, tmp_path / "app", {"app_type": "interface", "auth_mode": auth_mode})
    shutil.copy(REQUESTS, project / "tests" / "server" / "test_any_request.py")
    tests = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/server/test_any_request.py"]
    run(*tests, cwd=project)
