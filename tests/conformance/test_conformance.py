"""Promise 10: what works in plain Gradio works here. Each page is served by both, visited, asked, and compared."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.conformance import ask, media, pages
from tests.conformance.differences import ALLOWED
from tests.conformance.kit import CASES, Case
from tests.conformance.suite import Suite
from tests.conftest import run, thorough

HERE = Path(__file__).resolve().parent
DEVICES = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--mute-audio"]
MODES = ("password", "proxy", "oidc")
ONLY = set(filter(None, os.environ.get("CONFORMANCE_PAGES", "").split(",")))
"""To look at some pages alone: `CONFORMANCE_PAGES=video,audio uv run pytest -m slow tests/conformance`."""

TELLING = {"files", "flows"}
"""What every run of the CI compares with a sign-in too; `.ci/run --all`, weekly, compares all pages."""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("conformance")]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ask.JavaScript]:
    """Install the client for JavaScript from npm, as pinned."""
    assert shutil.which("npm"), "install Node.js 20 or newer: Gradio's client comes from npm"
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "ask.mjs"):
        shutil.copy(HERE / name, folder)
    run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
    opened = ask.JavaScript(folder)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def suite(template: Path, node: ask.JavaScript, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("CONFORMANCE_MEDIA", str(media.make(tmp_path_factory.mktemp("media"))))
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=DEVICES)
        opened = Suite(template, tmp_path_factory.mktemp("sides"), browser, node)
        yield opened
        opened.close()
        browser.close()


def cases(kind: str) -> list[tuple[int, Case]]:
    """Give the pages of a file, each with its number among all pages."""
    numbered = enumerate(CASES.values())
    return [(n, case) for n, case in numbered if case.kind == kind and (not ONLY or case.name in ONLY)]


def told(problems: dict[str, list[str]]) -> str:
    """Write what is wrong, by page."""
    return "\n".join(f"{name}:\n    " + "\n    ".join(lines) for name, lines in problems.items() if lines)


@pytest.mark.parametrize("kind", pages.__all__)
def test_pages_are_as_in_plain_gradio(kind: str, suite: Suite) -> None:
    found = told({case.name: suite.compare(case, "none") for _, case in cases(kind)})
    assert not found, f"other than plain Gradio:\n{found}"


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=thorough(is_one=kind not in TELLING)) for kind in pages.__all__]
)
def test_with_a_sign_in_they_are_too_and_files_stay_with_their_owner(kind: str, suite: Suite) -> None:
    found = told({f"{case.name} ({MODES[n % 3]})": suite.compare(case, MODES[n % 3]) for n, case in cases(kind)})
    assert not found, f"other than plain Gradio:\n{found}"


@pytest.mark.thorough
@pytest.mark.parametrize("kind", pages.__all__)
def test_the_start_names_what_does_not_work_without_eval(kind: str, suite: Suite) -> None:
    """A page that is not named has the policy without eval as it is, with which it was visited above."""
    silent: list[str] = []
    for _, case in cases(kind):
        warned, policy = suite.policy_without_eval(case)
        assert "'unsafe-eval'" not in policy
        if not warned and suite.view(case, "none").policy != policy:
            silent.append(case.name)
    assert not silent


@pytest.mark.thorough
def test_no_difference_is_allowed_that_is_not_there(suite: Suite) -> None:
    """Each shows on the pages that it names, or else on the first one, which a visitor signs in to."""
    for each in ALLOWED:
        for name in sorted(each.pages or {next(iter(CASES))}):
            suite.compare(CASES[name], "none" if each.pages else "password")
    assert suite.met == {each.title for each in ALLOWED}
