"""What is loaded and not changed comes out as it went in: the promise of `blocks`, over more tables than it tries."""

import re
import sys
from pathlib import Path

import pytest

from tests.conftest import render, run

TABLES = 5000
ONLY = ("-k", "random_table")


@pytest.mark.slow
@pytest.mark.thorough
def test_not_one_cell_of_5000_random_tables_is_changed(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"app_type": "blocks"})
    path = project / "tests" / "test_unchanged.py"
    text, count = re.subn(r"^TABLES = \d+$", f"TABLES = {TABLES}", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count == 1
    path.write_text(text, encoding="utf-8")
    result = run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_unchanged.py", *ONLY, cwd=project
    )
    assert f"{TABLES} passed" in result.stdout
