"""What the documents say is true."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from scripts.readme import question_table, with_table
from tests.conftest import ROOT, choices, render, repository_files, run

DOCUMENTS = ["README.md", "CHANGELOG.md", "AGENTS.md", "CONTRIBUTING.md"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_question_table_is_generated() -> None:
    assert question_table() in read("README.md"), "run: uv run python -m scripts.readme"
    assert with_table(read("README.md")) == read("README.md")


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= 130


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


def test_how_strict_a_project_is_is_said_truly(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {})
    table = (project / "README.md").read_text(encoding="utf-8").partition("## How strict\n")[2].partition("\n## ")[0]
    tools = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    yours = tools["ruff"]["lint"]["select"]
    assert f"| every rule | {', '.join(f'`{rule}`' for rule in yours)} | `[tool.ruff]`: `lint.select = [" in table
    for kept in ("server", "tests/server"):
        rules = tomllib.loads((project / kept / "ruff.toml").read_text(encoding="utf-8"))
        assert rules["lint"]["select"] == ["ALL"]
    assert (tools["pyright"]["strict"], tools["pyright"]["typeCheckingMode"]) == (["server"], "basic")
    assert (tools["coverage"]["run"]["source"], tools["coverage"]["report"]["fail_under"]) == (["server"], 100)
    assert 'typeCheckingMode = "strict"' in table
    assert 'run.source = ["server", "services", "utils"]' in table


def test_every_project_says_in_one_sentence_who_owns_what(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {})
    sentence = "`server/`, `tests/server/` and `deploy/` are kept by the template, everything else is yours"
    for path in (project / "README.md", project / "AGENTS.md", ROOT / "README.md"):
        assert path.read_text(encoding="utf-8").count(sentence) == 1, path


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "uv run pytest" in read("README.md")
    assert re.search(r"^\s*uv run pytest", read(".ci/run"), re.MULTILINE)


def test_workflows_are_valid_pinned_and_harmless() -> None:
    workflows = list((ROOT / ".github" / "workflows").iterdir())
    for path in workflows:
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}, path
        pinned(path)
    run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows, cwd=ROOT)


def pinned(path: Path) -> None:
    """Every action is named by the commit that was looked at."""
    for action in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8")):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), f"{path}: {action} is not pinned to a commit"


@pytest.mark.parametrize("updates", choices("updates"))
@pytest.mark.usefixtures("without_git")
def test_every_place_for_tests_gets_its_own_files_and_only_those(updates: str, template: Path, tmp_path: Path) -> None:
    for provider in choices("ci_provider"):
        answers = {"ci_provider": provider, "updates": updates, "deploy_target": "spaces"}
        project = render(template, tmp_path / provider, answers)
        workflows = {path.name for path in project.glob(".github/workflows/*")}
        assert workflows == ({"test.yml", "deploy-space.yml"} if provider == "github" else set())
        assert (project / ".gitlab-ci.yml").exists() == (provider == "gitlab")
        assert (project / "renovate.json").exists() == (updates == "renovate")
        if provider == "github":
            jobs = yaml.safe_load((project / ".github/workflows/test.yml").read_text(encoding="utf-8"))["jobs"]
            assert set(jobs) == {"test", *(["update"] if updates == "schedule" else [])}
            # What may write is the one job that proposes, never what runs the code of a pull request.
            assert "permissions" not in jobs["test"]


SCHEMAS = {
    ".github/workflows/*.yml": "vendor.github-workflows",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
    "renovate.json": "vendor.renovate",
}


@pytest.mark.parametrize(("provider", "updates"), [("github", "schedule"), ("gitlab", "renovate")])
def test_the_files_for_a_forge_are_valid(provider: str, updates: str, template: Path, tmp_path: Path) -> None:
    answers = {"ci_provider": provider, "updates": updates, "deploy_target": "spaces"}
    project = render(template, tmp_path / "app", answers)
    found = {pattern: list(project.glob(pattern)) for pattern in SCHEMAS}
    assert any(found.values())
    for pattern, paths in found.items():
        for path in paths:
            run("check-jsonschema", "--builtin-schema", SCHEMAS[pattern], path, cwd=ROOT)
            pinned(path)


@pytest.mark.slow
def test_workflows_hold_no_known_weakness(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"deploy_target": "spaces"})
    command = ["uvx", "zizmor@1.32.0", "--offline", "--strict-collection", "--no-progress"]
    done = run(*command, ROOT / ".github", project / ".github", cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_workflow_with_a_weakness_would_be_noticed(template: Path, tmp_path: Path) -> None:
    path = render(template, tmp_path / "app", {}) / ".github" / "workflows" / "test.yml"
    injection = "run: echo ${{ github.event.pull_request.title }}"
    path.write_text(path.read_text(encoding="utf-8").replace("run: uv sync", injection), encoding="utf-8")
    done = run("uvx", "zizmor@1.32.0", "--offline", "--strict-collection", path, cwd=tmp_path, check=False)
    assert done.returncode != 0
    assert "template-injection" in done.stdout


def test_the_product_names_no_machine() -> None:
    for name in repository_files():
        if name != "uv.lock" and not name.endswith((".png",)):
            text = read(name)
            for word in ("/wor" + "k/", "/roo" + "t/", "pypi.or" + "g/simple"):
                assert word not in text, f"{name}: {word}"
