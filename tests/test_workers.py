"""How the slow tier is spread over workers: what shares a cluster or a browser stays with one of them."""

import re
import sys
from pathlib import Path

from tests.conftest import run

MEMBERS = """
import pytest

@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("number", range(6))
def test_member(number):
    pass
"""


def test_a_group_of_tests_stays_with_one_worker(tmp_path: Path) -> None:
    (tmp_path / "test_members.py").write_text(MEMBERS, encoding="utf-8")
    options = ["-n", "2", "--dist", "loadgroup", "-v", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    printed = run(sys.executable, "-m", "pytest", *options, "test_members.py", cwd=tmp_path).stdout
    workers = re.findall(r"\[(gw\d)\].*PASSED", printed)
    assert len(workers) == 6
    assert len(set(workers)) == 1
