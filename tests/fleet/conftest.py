"""The fixtures of all tests of `fleet`: a template made once a module, and an empty fleet for each test."""

from pathlib import Path

import pytest

from tests.fleet.checkouts import Fleet, isolate, make_template


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Make the template once."""
    base = tmp_path_factory.mktemp("fleet")
    with pytest.MonkeyPatch.context() as patch:
        isolate(base / "made", patch)
        template = make_template(base / "a template")
    (base / "cache").mkdir()
    return Fleet(base, template, base / "cache")


@pytest.fixture
def fleet(shared: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Give an empty fleet."""
    isolate(tmp_path, monkeypatch)
    return Fleet(tmp_path, shared.template, shared.cache)
