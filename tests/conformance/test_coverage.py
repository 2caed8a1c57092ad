"""Promise 10: the pages of the suite use all that Gradio has, so that what is new in it is noticed here."""

import inspect
import re
import warnings
from pathlib import Path

import gradio as gr
import pytest
from gradio.blocks import Block, Blocks
from gradio.events import EventListener, Events

from tests.conformance import media, pages
from tests.conformance.differences import ALLOWED, TITLE
from tests.conformance.kit import CASES
from tests.conftest import ROOT

ELSEWHERE = {
    "auth": "each auth mode",
    "auth_dependency": "each auth mode",
    "auth_message": "each auth mode",
    "debug": "it prints",
    "height": "for notebooks",
    "inbrowser": "it opens a browser at the server",
    "inline": "for notebooks",
    "mcp_server": "the feature `mcp` has its own tests",
    "node_port": "drawing on the server",
    "node_server_name": "drawing on the server",
    "num_workers": "how many processes serve files",
    "prevent_thread_lock": "for notebooks",
    "pwa": "the feature `pwa` has its own tests",
    "server_name": "where the server listens",
    "server_port": "where the server listens",
    "share": "another host",
    "share_server_address": "another host",
    "share_server_protocol": "another host",
    "share_server_tls_certificate": "another host",
    "ssl_certfile": "https",
    "ssl_keyfile": "https",
    "ssl_keyfile_password": "https",
    "ssl_verify": "https",
    "ssr_mode": "drawing on the server",
    "width": "for notebooks",
}
"""Arguments of `launch()` that say nothing about the page, or are tried elsewhere."""
NOT_HEARD: set[tuple[type, str]] = set()
"""Listeners that a class names and Gradio has no use for."""
NOT_ON_A_PAGE = {"Blocks", "Component"}
"""What every page or component is."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Blocks]:
    """Build every page."""
    folder = media.make(tmp_path_factory.mktemp("media"))
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Gradio advises does not matter here
        patch.setenv("CONFORMANCE_MEDIA", str(folder))
        return {name: case.build() for name, case in CASES.items()}


def exported() -> dict[str, type[Block]]:
    """Give the components and layouts that `gr` exports, each class once."""
    names = (name for name in dir(gr) if not name.startswith("_") and name not in NOT_ON_A_PAGE)
    classes = {name: getattr(gr, name) for name in names}
    return {value.__name__: value for value in classes.values() if inspect.isclass(value) and issubclass(value, Block)}


def test_there_are_enough_pages_and_they_are_small() -> None:
    assert len(CASES) >= 80
    for case in CASES.values():
        lines = inspect.getsource(case.build).splitlines()
        acts = inspect.getsource(case.acts).splitlines() if case.acts else []
        assert len(lines) + len(acts) <= 30, case.name
    for path in Path(str(pages.__file__)).parent.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path.name


def test_every_component_is_on_a_page(built: dict[str, Blocks]) -> None:
    used = {type(part) for demo in built.values() for part in (demo, *demo.blocks.values())}
    assert not {name for name, kind in exported().items() if kind not in used}


def test_every_listener_of_every_component_is_on_a_page(built: dict[str, Blocks]) -> None:
    used = {
        (type(demo.blocks[number]), event)
        for demo in built.values()
        for function in demo.fns.values()
        for number, event in function.targets
        if number in demo.blocks
    }
    known = {
        (kind, str(event))
        for kind in exported().values()
        for event in getattr(kind, "EVENTS", ())
        if str(event) != "load"
    }
    assert not {f"{kind.__name__}.{event}" for kind, event in known - used}
    events = {str(event) for event in vars(Events).values() if isinstance(event, EventListener)}
    assert events <= {event for _, event in used}


def test_every_argument_of_launch_that_concerns_the_page_is_on_one() -> None:
    known = {name for name in inspect.signature(gr.Blocks.launch).parameters if name != "self" and name[0] != "_"}
    used = {name for case in CASES.values() for name in case.launch}
    assert used | set(ELSEWHERE) == known
    assert not used & set(ELSEWHERE)


def test_readme_says_what_may_differ_and_why() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"## {TITLE}\n")[2].partition("\n## ")[0]
    said = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE)[1:]
    assert said == [(each.title, each.reason) for each in ALLOWED]
    assert len(ALLOWED) <= 10
