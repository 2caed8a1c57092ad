"""What `gr.ChatInterface` does not publish, like `server/gradio_adapter.py` with the rest of Gradio's insides."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from server.gradio_adapter import events, opened_again

if TYPE_CHECKING:
    import gradio as gr


def chat_handler(demo: "gr.ChatInterface") -> Any:  # noqa: ANN401 (the user's function)
    """Give the function that answers, without what Gradio put around it: `ChatInterface.fn`."""
    return inspect.unwrap(cast("Any", demo).fn)


def runs(event: Any, handler: object) -> bool:  # noqa: ANN401 (Gradio's object)
    """Tell whether an event calls a function, whatever Gradio put around it."""
    return event.fn is not None and inspect.unwrap(event.fn) is handler


def free_after_failure(demo: "gr.ChatInterface", *, shows_failures: bool = False) -> None:
    """Open the box of a chat again where an answer has failed; a question without a word of an answer is back in it.

    Gradio leaves it closed. Stop is a failure to it too, but one it looks after; where answers show what failed, none
    but Stop ends with half an answer. `Dependency` by the number of an event.
    """
    import gradio as gr  # noqa: PLC0415
    from gradio.events import Dependency  # noqa: PLC0415 (not before the process is prepared)

    chat, handler, same = cast("Any", demo), chat_handler(demo), cast("Any", gr).skip()
    kind = cast("Any", type(chat.textbox))
    free = {"interactive": True, "submit_btn": chat.textbox.submit_btn, "stop_btn": False}
    given, options = [chat.saved_input, chat.chatbot, chat.chatbot_state], {"api_visibility": "private", "queue": False}

    def give_back(question: object, shown: list[Any], before: list[Any]) -> tuple[Any, Any]:
        has_answer = len(shown) > len(before) and shown[-1]["role"] == "assistant"
        halfway = (same if shows_failures else kind(**free), same)
        return halfway if has_answer else (kind(question, **free), before)

    with opened_again(demo):
        for number, event in list(events(demo).items()):
            failed = cast("Any", Dependency(None, {}, number, None)).failure
            if event.fn == chat._clear_and_save_textbox:  # noqa: SLF001 (it waits in the queue where there is a validator)
                failed(lambda: kind(**free), None, chat.textbox, **options)
            elif runs(event, handler) and event.api_name != chat.api_name:
                failed(give_back, given, [chat.textbox, chat.chatbot], **options)


def keep_placeholder(demo: "gr.ChatInterface") -> None:
    """Let the box of a chat keep its placeholder, which names a box for files to those who do not see it.

    Gradio empties it with the first message: `ChatInterface._clear_and_save_textbox`. After `free_after_failure`.
    """
    chat = cast("Any", demo)
    plain, kind = chat._clear_and_save_textbox, cast("Any", type(chat.textbox))  # noqa: SLF001

    def clear(message: object) -> tuple[Any, object]:
        return kind("", interactive=False), message

    for event in events(demo).values():
        if event.fn == plain:
            event.fn = wraps(plain)(clear)


def keep_conversations(demo: "gr.ChatInterface", key: str, wrap: Callable[[Any], Any]) -> None:
    """Give the saved conversations of a chat a lasting place in the browser, and wrap the function that saves them.

    Gradio makes key and secret up at every start, and the conversations saved before it cannot be read any more. The
    secret is none: it is sent to every browser. `ChatInterface.saved_conversations`, `._save_conversation`.
    """
    chat = cast("Any", demo)
    chat.saved_conversations.storage_key = chat.saved_conversations.secret = key
    for event in events(demo).values():
        if event.fn == chat._save_conversation:  # noqa: SLF001
            event.fn = wrap(event.fn)


def reopen_conversation(demo: "gr.ChatInterface", key: str) -> None:
    """Open the conversation again that was open when a page was left. After `keep_conversations`.

    `ChatInterface.conversation_id` is the place of the open one in the list, and None for a new one. It is kept in a
    list, since a browser would not keep 0.
    """
    import gradio as gr  # noqa: PLC0415
    from gradio.events import Dependency  # noqa: PLC0415

    chat, same = cast("Any", demo), cast("Any", gr).skip()
    hidden = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}

    def reopen(left: list[int | None], saved: list[Any] | None) -> tuple[Any, Any]:
        [index] = left
        is_there = index is not None and 0 <= index < len(saved or [])
        return chat._load_conversation(index, saved) if is_there else (same, same)  # noqa: SLF001

    def note(index: int | None) -> list[int | None]:
        return [index]

    def keep(shown: object) -> object:
        return shown

    with opened_again(demo):
        left_open = cast("Any", gr).BrowserState([None], storage_key=key, secret=key)
        for number, event in list(events(demo).items()):
            if chat.conversation_id in event.outputs:
                after = cast("Any", Dependency(None, {}, number, None)).then
                after(note, chat.conversation_id, left_open, **hidden)
        stored, parts = [left_open, chat.saved_conversations], [chat.conversation_id, chat.chatbot]
        chat.load(reopen, stored, parts, **hidden).then(keep, chat.chatbot, chat.chatbot_state, **hidden)


def fold_conversations(demo: "gr.ChatInterface", label: str) -> None:
    """Put the list of conversations below a heading that folds, `#conversations` in a style sheet.

    `ChatInterface.chat_history_dataset`.
    """
    import gradio as gr  # noqa: PLC0415

    listed = cast("Any", demo).chat_history_dataset
    column = listed.parent
    with opened_again(demo):
        fold = cast("Any", gr).Accordion(label, elem_id="conversations")
    demo.children.remove(fold)
    column.children[column.children.index(listed)] = fold
    fold.parent = column
    fold.add(listed)
