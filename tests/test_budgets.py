"""The template stays small enough to be read: its budgets, counted."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import QUESTIONS, ROOT, files, render, run

BLOCK = re.compile(r"\{%-?\s*(if|for|yield|macro|endif|endfor|endyield|endmacro)\b")
INLINE_IF = re.compile(r"\{\{[^}]*\bif\b[^}]*\}\}")
BUDGETS = {"ifs": 40, "conditional names": 8, "nesting": 2, "path": 100, "prompts": 6, "copier.yml": 180}


def sources() -> Iterator[Path]:
    for part in ("template", "variants", "extensions"):
        yield from files(ROOT / part)


def template_text(path: Path) -> str:
    """Read what Jinja renders: every file, because variants are included."""
    return path.read_text(encoding="utf-8", errors="replace")


def count_ifs(text: str) -> int:
    return sum(match[1] == "if" for match in BLOCK.finditer(text)) + len(INLINE_IF.findall(text))


def deepest(text: str) -> int:
    depth = found = 0
    for match in BLOCK.finditer(text):
        depth += -1 if match[1].startswith("end") else 1
        found = max(found, depth if match[1] in {"if", "for", "yield"} else 0)
    return found


def test_few_ifs_and_no_deep_nesting() -> None:
    total = sum(count_ifs(template_text(path)) for path in sources()) + count_ifs(
        (ROOT / "copier.yml").read_text(encoding="utf-8")
    )
    assert total <= BUDGETS["ifs"]
    for path in sources():
        inside_macros = path.parent.name == "extensions"
        assert deepest(template_text(path)) <= BUDGETS["nesting"] + inside_macros, path


def test_the_counters_count() -> None:
    text = "{% if a %}{%- if b -%}{{ 1 if c else 2 }}{% endif %}{% endif %}{% for x in y %}{% endfor %}"
    assert count_ifs(text) == 3
    assert deepest(text) == 2


def test_names_are_few_short_and_fit_windows() -> None:
    tracked = run("git", "ls-files", cwd=ROOT).stdout.splitlines()
    assert len([name for name in tracked if "{%" in name]) <= BUDGETS["conditional names"]
    for name in tracked:
        assert len(name) <= BUDGETS["path"], name
        assert not set(name) & set('"|:?*<>'), name


def test_the_questions_are_few_and_uniform() -> None:
    assert len((ROOT / "copier.yml").read_text(encoding="utf-8").splitlines()) <= BUDGETS["copier.yml"]
    order = ["type", "help", "default", "choices", "multiselect", "validator", "when", "ask"]
    for key, question in QUESTIONS.items():
        assert list(question) == [name for name in order if name in question], key
        assert len(question["help"]) <= 80, key
        assert "default" in question, key
    asked = [key for key, question in QUESTIONS.items() if False not in (question.get("when"), question.get("ask"))]
    assert len(asked) <= BUDGETS["prompts"]


def test_the_template_is_strict() -> None:
    text = (ROOT / "copier.yml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["_envops"]["undefined"] == "jinja2.StrictUndefined"
    assert text.index("_subdirectory:") < text.index("project_name:")
    for path in sources():
        assert not re.search(r"\|\s*to_json\s*[^(\s]", template_text(path)), f"{path}: plain to_json breaks on emoji"


def test_no_file_is_long() -> None:
    for path in sources():
        assert len(template_text(path).splitlines()) <= 400, path


@pytest.mark.usefixtures("without_git")
def test_the_default_project_has_few_files(template: Path, tmp_path: Path) -> None:
    assert len(list(files(render(template, tmp_path / "app", {})))) <= 35


def test_the_test_client_of_a_project_stays_small() -> None:
    assert len((ROOT / "template" / "tests" / "client.py").read_text(encoding="utf-8").splitlines()) <= 80


def test_the_gate_stays_readable() -> None:
    parts = [ROOT / "template/utils/gate.py", ROOT / "variants/auth/shared/utils/members.py"]
    lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in parts]
    assert sum(lines) <= 400
    for path in [*parts, *(ROOT / "variants" / "auth").rglob("*.py")]:
        if "tests" not in path.parts:
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 250, path
