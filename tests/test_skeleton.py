"""`start_from: skeleton` is a page, a function and their tests, small enough to be read at once and green at birth."""

import sys
from pathlib import Path

import pytest

from tests.conftest import Answers, choices, files, name_of, render, run, skeletons, thorough

MOST_LINES = 60
"""Of `app.py` and `services/` together, blank lines and docstrings counted."""
MOST_FILES = 14
"""Of the smallest project, outside of `tests/` and `server/`."""
FIND_EVENTS = """
import app
from server.gradio_adapter import events
found = events(app.demo).values()
print("public:", *(event.api_name for event in found if event.api_visibility == "public"))
assert all(event.concurrency_limit for event in found if event.api_visibility != "undocumented")
"""
ALONE = [answers for answers in skeletons() if not answers.keys() & {"auth_mode", "deploy_target"}]
SMALLEST: Answers = {"app_type": "interface", "start_from": "skeleton"}
TELLING = {"chat-skeleton-ray-none"}
"""What every run of the CI tries whole, beside the smallest; of the others it runs what is not kept."""
WHOLE = [
    pytest.param(answers, id=name_of(answers), marks=thorough(is_one=name_of(answers) not in TELLING))
    for answers in skeletons()
    # Containers add nothing that the tests of a project reach.
    if answers != SMALLEST and answers.get("deploy_target") not in {"docker", "kubernetes"}
]


@pytest.fixture(scope="module")
def projects(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Render every skeleton as it is."""
    folder = tmp_path_factory.mktemp("skeletons")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")  # without git, this is faster
        return {name_of(answers): render(template, folder / name_of(answers), answers) for answers in ALONE}


def lines_to_read(project: Path) -> int:
    """Count the lines of the page and of what is behind it."""
    paths = [project / "app.py", *(project / "services").rglob("*.py")]
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def run_tests(project: Path, *options: str) -> None:
    """Run the tests of a project with the packages of this repository; none may be left out for want of a browser."""
    result = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, cwd=project)
    assert " passed" in result.stdout
    assert "no browser found" not in result.stdout


@pytest.mark.parametrize("answers", ALONE, ids=name_of)
def test_a_skeleton_is_read_at_once(answers: Answers, projects: dict[str, Path]) -> None:
    assert lines_to_read(projects[name_of(answers)]) <= MOST_LINES


@pytest.mark.usefixtures("without_git")
@pytest.mark.parametrize("answers", ALONE, ids=name_of)
def test_a_skeleton_is_smaller_than_the_example(
    answers: Answers, projects: dict[str, Path], template: Path, tmp_path: Path
) -> None:
    skeleton = projects[name_of(answers)]
    example = render(template, tmp_path / "app", answers | {"start_from": "example"})
    assert lines_to_read(skeleton) < lines_to_read(example) / 2
    assert len(list(files(skeleton))) < len(list(files(example)))


@pytest.mark.slow
@pytest.mark.parametrize("answers", ALONE, ids=name_of)
def test_the_tests_of_a_skeleton_s_own_page_are_green(answers: Answers, projects: dict[str, Path]) -> None:
    run_tests(projects[name_of(answers)], "--ignore=tests/server")


@pytest.mark.parametrize("app_type", ["interface", "blocks"])
def test_the_smallest_project_has_few_files(app_type: str, projects: dict[str, Path]) -> None:
    project = projects[f"{app_type}-skeleton"]
    found = [path.relative_to(project).as_posix() for path in files(project)]
    yours = [name for name in found if not name.startswith(("tests/", "server/"))]
    assert len(yours) <= MOST_FILES, yours


@pytest.mark.parametrize("answers", ALONE, ids=name_of)
def test_a_skeleton_has_one_public_event_and_every_event_a_limit(answers: Answers, projects: dict[str, Path]) -> None:
    result = run(sys.executable, "-W", "error", "-c", FIND_EVENTS, cwd=projects[name_of(answers)])
    names = {"interface": "describe", "blocks": "describe", "chat": "chat", "streaming": "stream"}
    assert f"public: {names[answers['app_type']]}\n" in result.stdout


@pytest.mark.parametrize("answers", ALONE, ids=name_of)
def test_a_skeleton_has_a_test_of_each_kind_and_nothing_left_to_do(answers: Answers, projects: dict[str, Path]) -> None:
    project = projects[name_of(answers)]
    for name in ("test_services.py", "test_events.py", "test_browser.py"):
        assert "\ndef test_" in (project / "tests" / name).read_text(encoding="utf-8")
    for path in files(project):
        assert "TODO" not in path.read_text(encoding="utf-8"), path


def test_every_kind_of_app_has_a_skeleton() -> None:
    assert {answers["app_type"] for answers in ALONE} == set(choices("app_type"))


@pytest.mark.slow
@pytest.mark.xdist_group("skeleton")
def test_the_smallest_project_is_green_at_birth(projects: dict[str, Path]) -> None:
    run_tests(projects[name_of(SMALLEST)])


def test_the_own_tests_of_the_smallest_project_are_green(projects: dict[str, Path]) -> None:
    run_tests(projects[name_of(SMALLEST)], "--ignore=tests/server")


@pytest.mark.slow
@pytest.mark.xdist_group("skeleton")
@pytest.mark.parametrize("answers", WHOLE)
def test_every_skeleton_is_green_at_birth(answers: Answers, template: Path, tmp_path: Path) -> None:
    run_tests(render(template, tmp_path / "app", answers))
