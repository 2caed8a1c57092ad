"""Promise 9: an organisation narrows, locks and extends the template in a small repository, without a fork or trust.

The repository is `examples/organisation`, with this template as a real submodule.
"""

import json
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from jinja2 import TemplateNotFound
from playwright.sync_api import sync_playwright

from scripts.history import commit
from tests.conftest import ROOT, copier, files, render, run
from tests.test_budgets import sources
from tests.test_first_start import started

EXAMPLE = ROOT / "examples" / "organisation"
APPS = ["chat", "blocks"]
NEW_ADVICE = "\n* Advice that came with version 2.\n"
EDITS = {
    "services/model.py": ("\n\n\n", "\n\nOURS = 'kept'\n\n\n"),
    "README.md": ("## Run it\n", "Ask Ada before you change anything.\n\n## Run it\n"),
    "pyproject.toml": ('version = "0.1.0"', 'version = "7.8.9"'),
}
"""What a team changed in files that the template writes."""
REFERENCE = re.compile(r"\{%-?\s*(?:include|import|from|extends)\s+(?P<target>.+?)\s*(?:-?%\}|import\b)")


@dataclass(frozen=True)
class Organisation:
    """The repository of an organisation."""

    repository: Path

    def copy(self, destination: Path, *answers: str, check: bool = True, version: str = "1.0.0") -> tuple[int, str]:
        """Scaffold a project as somebody there would, and give the exit code and the last line."""
        data = [word for answer in answers for word in ("-d", answer)]
        command = ("copy", "-q", "--defaults", "--vcs-ref", version, *data, self.repository, destination)
        result = copier(*command, cwd=destination.parent, check=check)
        return result.returncode, (result.stdout.strip().splitlines() or [""])[-1]


def release(repository: Path, version: str) -> None:
    """Commit and tag."""
    commit(repository, version)
    run("git", "tag", version, cwd=repository)


@pytest.fixture(scope="module")
def upstream(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give this template as a repository with two releases."""
    repository = tmp_path_factory.mktemp("upstream") / "template"
    shutil.copytree(template, repository)
    run("git", "init", "-q", cwd=repository)
    release(repository, "1.0.0")
    advice = repository / "template" / "AGENTS.md.jinja"
    advice.write_text(advice.read_text(encoding="utf-8") + NEW_ADVICE, encoding="utf-8")
    release(repository, "2.0.0")
    return repository


@pytest.fixture(scope="module")
def acme(upstream: Path, tmp_path_factory: pytest.TempPathFactory) -> Organisation:
    """Build the example's repository: nothing is decided in its first release, and its third takes a new template."""
    repository = tmp_path_factory.mktemp("acme") / "acme-gradio"
    shutil.copytree(EXAMPLE, repository)
    run("git", "init", "-q", cwd=repository)
    run("git", "submodule", "--quiet", "add", upstream, "upstream", cwd=repository)
    run("git", "checkout", "-q", "1.0.0", cwd=repository / "upstream")
    questions = repository / "copier.yml"
    decided = read(questions)
    questions.write_text(decided[: decided.index("# Narrowed")], encoding="utf-8")
    release(repository, "0.1.0")
    questions.write_text(decided, encoding="utf-8")
    release(repository, "1.0.0")
    run("git", "checkout", "-q", "2.0.0", cwd=repository / "upstream")
    questions.write_text(decided.replace("oidc", "proxy"), encoding="utf-8")
    release(repository, "2.0.0")
    return Organisation(repository)


@pytest.fixture(scope="module", autouse=True)
def submodules_from_this_disk() -> Iterator[None]:
    """Let git clone a submodule by its path, which it refuses otherwise; Copier itself asks for nothing."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"COUNT": "1", "KEY_0": "protocol.file.allow", "VALUE_0": "always"}.items():
            patch.setenv(f"GIT_CONFIG_{name}", value)
        yield


@pytest.fixture(scope="module")
def projects(acme: Organisation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Scaffold one project of each kind that the organisation has, without trust."""
    folder = tmp_path_factory.mktemp("projects")
    for app_type in APPS:
        acme.copy(folder / app_type, f"app_type={app_type}")
    return {app_type: folder / app_type for app_type in APPS}


@pytest.mark.parametrize("app_type", APPS)
def test_what_the_organisation_decided_is_in_the_project(app_type: str, projects: dict[str, Path]) -> None:
    project = projects[app_type]
    settings = (project / "server" / "settings.py").read_text(encoding="utf-8")
    assert 'theme: str = "soft"' in settings
    assert 'logo: str = "assets/logo.svg"' in settings
    assert (project / "assets" / "logo.svg").read_bytes() == (EXAMPLE / "org" / "logo.svg").read_bytes()
    config = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert config["project"]["license"] == "LicenseRef-Acme"
    assert config["tool"]["uv"]["index"] == [{"url": "https://packages.acme.example/simple", "default": True}]
    assert (project / "CODEOWNERS").read_text(encoding="utf-8").endswith("\n* @acme/platform @acme/security\n")
    compose = yaml.safe_load((project / "compose.yaml").read_text(encoding="utf-8"))
    assert compose["services"]["app"]["image"] == "registry.acme.example/apps/my-gradio-app:${TAG:-latest}"
    assert "# Security of my-gradio-app" in (project / "SECURITY.md").read_text(encoding="utf-8")
    assert json.loads((project / "policy.json").read_text(encoding="utf-8"))["auth_modes"] == ["oidc"]
    application = (project / "server" / "application.py").read_text(encoding="utf-8")
    assert "from server.access import oidc as auth_mode\n" in application


def test_what_is_locked_is_not_recorded_and_so_moves_with_the_organisation(projects: dict[str, Path]) -> None:
    answers = yaml.safe_load((projects["chat"] / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert set(answers) == {
        "_commit",
        "_src_path",
        "app_type",
        "ci_provider",
        "deploy_target",
        "features",
        "model",
        "project_name",
        "start_from",
        "updates",
    }


def test_the_projects_of_an_organisation_lint_clean(projects: dict[str, Path]) -> None:
    folder = projects["chat"].parent
    ruff = Path(sys.executable).parent / "ruff"
    run(ruff, "format", "--check", "--no-cache", ".", cwd=folder)
    run(ruff, "check", "--no-cache", ".", cwd=folder)
    for path in (path for project in projects.values() for path in files(project)):
        text = path.read_text(encoding="utf-8")
        assert text.endswith("\n") or not text, path
        assert not text.endswith("\n\n"), path


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("deploy_target=spaces", "Invalid choice for 'deploy_target': 'spaces' is not in ['docker', 'local']"),
        ("auth_mode=none", "Invalid choice for 'auth_mode': 'none' is not in ['oidc']"),
        ("theme=glass", "Invalid choice for 'theme': 'glass' is not in ['soft']"),
        ("policy={}", "Invalid choice for 'policy': {} is not in"),
    ],
)
def test_what_the_organisation_forbids_is_refused_by_name(
    answer: str, reason: str, acme: Organisation, tmp_path: Path
) -> None:
    code, line = acme.copy(tmp_path / "app", answer, check=False)
    assert code != 0
    assert reason in line
    assert not (tmp_path / "app").exists()


def edit(project: Path) -> None:
    """Work on a project, and keep it in git."""
    for name, (old, new) in EDITS.items():
        text = read(project / name)
        assert old in text, name
        (project / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    run("git", "init", "-q", cwd=project)
    commit(project, "Ours")


def is_updated(project: Path, expected: Path) -> None:
    """Hold an edited project against what a fresh one would be."""
    names = [{path.relative_to(folder).as_posix() for path in files(folder)} for folder in (project, expected)]
    assert names[0] == names[1]
    for name in names[1] - {".copier-answers.yml"}:
        old, new = EDITS.get(name, ("", ""))
        assert read(project / name) == read(expected / name).replace(old, new, 1), name
    assert "_commit: 2.0.0" in read(project / ".copier-answers.yml")
    assert read(project / "AGENTS.md").endswith(NEW_ADVICE)
    assert json.loads(read(project / "policy.json"))["auth_modes"] == ["proxy"]
    assert not run("git", "ls-files", "-u", cwd=project).stdout


@pytest.mark.parametrize("app_type", [APPS[0], pytest.param(APPS[1], marks=pytest.mark.slow)])
def test_one_update_brings_the_new_policy_and_the_new_template(
    app_type: str, acme: Organisation, projects: dict[str, Path], tmp_path: Path
) -> None:
    project, expected = tmp_path / "app", tmp_path / "expected"
    shutil.copytree(projects[app_type], project)
    acme.copy(expected, f"app_type={app_type}", version="2.0.0")
    edit(project)
    copier("update", "-q", "--defaults", cwd=project)
    is_updated(project, expected)


@pytest.mark.slow
def test_a_project_of_the_template_moves_to_the_organisation(
    upstream: Path, acme: Organisation, tmp_path: Path
) -> None:
    project, expected = tmp_path / "app", tmp_path / "expected"
    answers = ("-d", "app_type=chat", "-d", "deploy_target=docker")
    copier("copy", "-q", "--defaults", "--vcs-ref", "1.0.0", *answers, upstream, project, cwd=tmp_path)
    edit(project)
    path = project / ".copier-answers.yml"
    moved = read(path).replace("_commit: 1.0.0", "_commit: 0.1.0").replace(str(upstream), str(acme.repository))
    assert "auth_mode: none\n" in moved  # What is locked now wins over what was answered once.
    path.write_text(moved, encoding="utf-8")
    commit(project, "Moved")
    copier("update", "-q", "--defaults", cwd=project)
    acme.copy(expected, version="2.0.0")
    is_updated(project, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("app_type", "tests"),
    [
        pytest.param(APPS[0], ["--cov", "--cov-fail-under=100"], marks=pytest.mark.thorough),
        (APPS[1], ["tests/server/test_policy.py", "tests/server/test_running.py", "tests/test_start.py"]),
    ],
)
def test_the_projects_of_an_organisation_are_green_at_birth(
    app_type: str, tests: list[str], projects: dict[str, Path]
) -> None:
    # With the packages of this repository: the organisation's index does not exist.
    result = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, cwd=projects[app_type])
    assert "no browser found" not in result.stdout
    run(Path(sys.executable).parent / "basedpyright", "--pythonpath", sys.executable, cwd=projects[app_type])


@pytest.mark.slow
def test_the_logo_is_seen_in_a_real_browser(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"app_type": "chat", "logo": "assets/logo.svg"})
    shutil.copy(EXAMPLE / "org" / "logo.svg", project / "assets")
    browser = shutil.which("chromium")
    assert browser, "install, of Debian: apt-get install chromium"
    with started(project, sys.executable, "app.py") as url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(url)
        image = page.locator("#logo img")
        image.wait_for()
        assert page.evaluate("image => image.decode().then(() => image.naturalWidth)", image.element_handle()) > 0
        icon = page.locator("link[rel~=icon]").get_attribute("href")
        assert page.request.get(f"{url}{icon}").text() == read(EXAMPLE / "org" / "logo.svg")
        chromium.close()
    assert errors == []


# WHAT KEEPS THE TEMPLATE WRAPPABLE


def references(text: str) -> list[str]:
    """Give what a template includes and imports."""
    return [match["target"] for match in REFERENCE.finditer(text)]


def test_everything_that_is_included_is_looked_for_below_the_root() -> None:
    found = [(path, target) for path in [*sources(), ROOT / "copier.yml"] for target in references(read(path))]
    assert len(found) > 50
    # Files of the organisation lie in its own repository.
    assert [target for _, target in found if not target.startswith("root ~ ")] == ["file.source"]


def test_an_include_that_forgets_the_root_would_be_noticed(template: Path, tmp_path: Path) -> None:
    forgetful = (
        "{%- include 'variants/x.txt' %}{% from 'extensions/names.jinja' import slug %}{% include root ~ 'y' -%}"
    )
    assert references(forgetful) == ["'variants/x.txt'", "'extensions/names.jinja'", "root ~ 'y'"]
    overlay = tmp_path / "overlay"
    shutil.copytree(EXAMPLE, overlay)
    shutil.copytree(template, overlay / "upstream")
    render(overlay, tmp_path / "whole", {})
    path = overlay / "upstream" / "template" / "app.py.jinja"
    path.write_text(read(path).replace("root ~ ", ""), encoding="utf-8")
    with pytest.raises(TemplateNotFound):
        render(overlay, tmp_path / "broken", {})


def test_the_template_alone_has_nothing_of_an_organisation(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {})
    names = {path.relative_to(project).as_posix() for path in files(project)}
    assert not names & {"CODEOWNERS", "policy.json", "tests/server/test_policy.py"}
    assert not [name for name in names if name.startswith("server/policy")]


def test_the_example_is_small() -> None:
    lines = [line for line in read(EXAMPLE / "copier.yml").splitlines() if line and not line.startswith("#")]
    assert len(lines) <= 25


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
