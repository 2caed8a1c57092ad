"""Promise 10: a Gradio script that somebody has runs in a project as it is, behind the gate. README says how."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gradio_client import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import ROOT, render
from tests.test_hooks import section
from tests.test_pages_at_speed import SECONDS, served

SCRIPTS = sorted((ROOT / "tests" / "scripts_to_adopt").glob("*.py"))
"""Each in another shape; all have an event `answer` that gives back what it gets in upper case."""
TELLING = "under_main"
"""The one that every run tries."""
LINES = 24
"""Of the `app.py` that adopts a script, blank lines and comments counted."""


def app_of_readme(readme: str) -> str:
    """Give the `app.py` that README has for a script."""
    [code] = re.findall(r"^```python\n(.*?)^```$", section(readme, "A script that you have"), re.MULTILINE | re.DOTALL)
    return code


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render a project whose `app.py` adopts `my_old_app.py`."""
    answers = {"app_type": "interface", "start_from": "skeleton", "auth_mode": "none"}
    made = render(template, tmp_path_factory.mktemp("adopt") / "app", answers)
    (made / "app.py").write_text(app_of_readme((made / "README.md").read_text(encoding="utf-8")), encoding="utf-8")
    return made


@contextmanager
def adopted(project: Path, script: str) -> Iterator[tuple[str, list[str]]]:
    """Serve a script, and give its address and what was said before."""
    shutil.copy(ROOT / "tests" / "scripts_to_adopt" / f"{script}.py", project / "my_old_app.py")
    with served(project) as found:
        yield found


def answers(project: Path, script: str) -> None:
    """Serve a script and call its event as a program does."""
    with adopted(project, script) as (url, _):
        client = Client(url, verbose=False)
        assert client.submit("hello", api_name="/answer").result(SECONDS * 2) == "HELLO"


def test_there_are_twelve_scripts_and_the_page_that_adopts_them_is_short(project: Path) -> None:
    assert len(SCRIPTS) == 12
    assert len((project / "app.py").read_text(encoding="utf-8").splitlines()) <= LINES


def test_a_script_answers_behind_the_gate(project: Path) -> None:
    answers(project, TELLING)


@pytest.mark.slow
@pytest.mark.parametrize("script", [path.stem for path in SCRIPTS if path.stem != TELLING])
def test_every_shape_of_script_answers_behind_the_gate(script: str, project: Path) -> None:
    answers(project, script)


@pytest.fixture
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield opened
        opened.close()


@contextmanager
def visit(browser: Browser, url: str) -> Iterator[Page]:
    """Open a page in which nothing may go wrong in the background."""
    problems: list[str] = []
    page = browser.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith((url, "data:")) else problems.append(request.url))
    page.goto(url)
    yield page
    page.close()
    assert not problems


@pytest.mark.slow
def test_what_the_script_says_about_its_looks_is_on_the_page(project: Path, browser: Browser) -> None:
    with adopted(project, "under_main") as (url, said), visit(browser, url) as page:
        expect(page.get_by_role("heading", name="Shout")).to_have_css("color", "rgb(1, 2, 3)")
        page.get_by_label("Say").fill("hello")
        page.get_by_role("button", name="Go", exact=True).click()
        expect(page.get_by_label("Louder")).to_have_value("HELLO")
    assert said == ["my_old_app.py: queue(max_size=20) is used, and not APP_QUEUE_SIZE"]


@pytest.mark.slow
def test_a_chat_is_on_the_page(project: Path, browser: Browser) -> None:
    with adopted(project, "chat") as (url, _), visit(browser, url) as page:
        page.get_by_role("textbox").first.fill("hello")
        page.keyboard.press("Enter")
        expect(page.get_by_text("HELLO", exact=True)).to_be_visible()


@pytest.mark.slow
def test_tabs_are_on_the_page(project: Path, browser: Browser) -> None:
    with adopted(project, "tabs") as (url, _), visit(browser, url) as page:
        page.get_by_label("Say").fill("hello")
        page.get_by_role("button", name="Submit").first.click()
        expect(page.get_by_label("Louder")).to_have_value("HELLO")
        page.get_by_role("tab", name="Turn").click()
        expect(page.get_by_role("button", name="Submit")).to_be_visible()
