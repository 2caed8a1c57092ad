"""The template works in the test tool that template authors know, pytest-copie."""

import pytest
from pytest_copie.plugin import Copie


@pytest.mark.parametrize("app_type", ["blocks", "chat"])
def test_the_template_bakes_in_pytest_copie(copie: Copie, app_type: str) -> None:
    result = copie.copy(extra_answers={"app_type": app_type})
    assert result.exception is None
    assert result.exit_code == 0
    assert result.project_dir is not None
    assert (result.project_dir / "app.py").is_file()
    assert result.answers["app_type"] == app_type
