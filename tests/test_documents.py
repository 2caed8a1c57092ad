"""What the documents say is true."""

import re

import pytest
import yaml

from scripts.readme import question_table, with_table
from tests.conftest import ROOT, run

DOCUMENTS = ["README.md", "CHANGELOG.md", "AGENTS.md", "CONTRIBUTING.md"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_question_table_is_generated() -> None:
    assert question_table() in read("README.md"), "run: uv run python -m scripts.readme"
    assert with_table(read("README.md")) == read("README.md")


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= 120


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_within_the_repository_lead_somewhere(name: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", read(name)):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_decisions_are_short() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert decisions
    for path in decisions:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 40, path


def test_the_version_has_its_section_in_the_changelog() -> None:
    version = re.search(r'^version = "(.+)"$', read("pyproject.toml"), re.MULTILINE)
    assert version
    assert f"## {version[1]}" in read("CHANGELOG.md")


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "uv run pytest" in read("README.md")
    assert re.search(r"^\s*uv run pytest", read(".ci/run"), re.MULTILINE)


def test_workflows_are_valid_pinned_and_harmless() -> None:
    for folder in (".github/workflows", "template/.github/workflows"):
        for path in (ROOT / folder).iterdir():
            text = path.read_text(encoding="utf-8")
            workflow = yaml.safe_load(text)
            assert workflow["permissions"] == {"contents": "read"}, path
            for action in re.findall(r"uses: (\S+)", text):
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), f"{path}: {action} is not pinned to a commit"
    workflows = [str(path) for path in (ROOT / ".github" / "workflows").iterdir()]
    run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows, cwd=ROOT)


def test_the_product_names_no_machine() -> None:
    tracked = run("git", "ls-files", cwd=ROOT).stdout.splitlines()
    for name in tracked:
        if name != "uv.lock" and not name.endswith((".png",)):
            text = read(name)
            for word in ("/wor" + "k/", "/roo" + "t/", "pypi.or" + "g/simple"):
                assert word not in text, f"{name}: {word}"
