"""The template stays small enough to be read: its budgets, counted."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jinja2 import StrictUndefined, Template

from tests.conftest import QUESTIONS, ROOT, files, render, repository_files

BLOCK = re.compile(r"\{%-?\s*(if|for|yield|macro|endif|endfor|endyield|endmacro)\b")
INLINE_IF = re.compile(r"\{\{[^}]*\bif\b[^}]*\}\}")
BUDGETS = {"ifs": 50, "conditional names": 8, "nesting": 2, "path": 100, "prompts": 6, "copier.yml": 230}


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
    found = repository_files()
    assert len([name for name in found if "{%" in name]) <= BUDGETS["conditional names"]
    for name in found:
        assert len(name) <= BUDGETS["path"], name
        assert not set(name) & set('"|:?*<>'), name


def test_the_questions_are_few_and_uniform() -> None:
    assert len((ROOT / "copier.yml").read_text(encoding="utf-8").splitlines()) <= BUDGETS["copier.yml"]
    order = ["type", "help", "default", "choices", "multiselect", "validator", "when", "ask"]
    for key, question in QUESTIONS.items():
        assert list(question) == [name for name in order if name in question], key
        assert len(question["help"]) <= 80, key
        assert "default" in question, key


def test_whoever_takes_every_default_is_asked_little() -> None:
    defaults = {key: question["default"] for key, question in QUESTIONS.items()}
    asked = [
        key
        for key, question in QUESTIONS.items()
        if question.get("ask", True)
        and Template(str(question.get("when", True)), undefined=StrictUndefined).render(defaults) == "True"
    ]
    assert len(asked) <= BUDGETS["prompts"]
    assert "model" not in asked  # for two of the app types only


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
    project = render(template, tmp_path / "app", {})
    found = [path.relative_to(project) for path in files(project)]
    assert len([path for path in found if path.parts[0] not in {"server", "tests"}]) <= 24
    assert len([path for path in found if path.parts[0] == "server"]) <= 31


def test_the_test_client_of_a_project_stays_small() -> None:
    assert len((ROOT / "template" / "tests" / "server" / "client.py").read_text(encoding="utf-8").splitlines()) <= 80


def test_the_gate_stays_readable() -> None:
    parts = [ROOT / "template/server/gate.py", ROOT / "variants/auth/shared/access/members.py"]
    lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in parts]
    assert sum(lines) <= 400
    for path in [*parts, *(ROOT / "variants" / "auth").rglob("*.py")]:
        if "tests" not in path.parts:
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 250, path
