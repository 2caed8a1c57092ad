"""What a project's AGENTS.md says of Gradio is true of the Gradio that it pins."""

import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "template" / "AGENTS.md.jinja").read_text(encoding="utf-8")
GONE: dict[str, Callable[[], Any]] = {
    "`type=` of a chatbot": lambda: gr.Chatbot(type="messages"),
    "`allow_flagging`": lambda: gr.Interface(str, "text", "text", allow_flagging="never"),
    "`gr.ChatInterface` (an": lambda: gr.ChatInterface(str, theme="soft"),
    "`every=` of events": lambda: gr.Button().click(str, every=5),
}


@pytest.mark.parametrize("words", GONE)
def test_what_is_said_to_be_gone_is_an_error(words: str) -> None:
    assert words in TEXT
    with gr.Blocks(), pytest.raises(TypeError):
        GONE[words]()


def test_theme_of_blocks_is_a_warning_and_an_argument_of_mounting() -> None:
    with pytest.warns(UserWarning, match="theme"):
        gr.Blocks(theme="soft")
    assert {"theme", "css", "js", "head"} <= inspect.signature(gr.mount_gradio_app).parameters.keys()


def test_show_api_is_footer_links() -> None:
    arguments = inspect.signature(gr.mount_gradio_app).parameters
    assert "show_api" not in arguments
    assert "footer_links" in arguments


def test_components_have_no_update() -> None:
    assert not hasattr(gr.Textbox, "update")


def test_the_queue_is_on_and_the_limit_is_one() -> None:
    with gr.Blocks() as demo:
        gr.Button().click(str)
    assert demo.enable_queue
    assert [function.concurrency_limit for function in demo.fns.values()] == ["default"]
    assert demo._queue.default_concurrency_limit == 1  # noqa: SLF001 (nothing public tells it)


def test_a_dropdown_starts_with_its_first_choice() -> None:
    assert gr.Dropdown(["a", "b"]).value == "a"
    assert gr.Dropdown(["a", "b"], value=None).value is None


def test_uploads_have_no_limit_and_no_end_by_default() -> None:
    assert inspect.signature(gr.mount_gradio_app).parameters["max_file_size"].default is None
    assert inspect.signature(gr.Blocks).parameters["delete_cache"].default is None
