"""A person at a terminal: waits for a question, then types."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.plain_text import PlainTextOutput

BACKSPACE, DOWN, ENTER = "\x7f", "\x1b[B", "\r"
Keys = list[tuple[str, str]]
"""What a person waits for on the screen, and what they press then."""


class Screen(io.StringIO):
    """A terminal that somebody looks at, and types when the awaited question appears."""

    def __init__(self, keys: Keys, press: Callable[[str], None]) -> None:
        super().__init__()
        self.keys = list(keys)
        self.press = press
        self.seen = 0

    def flush(self) -> None:
        text = self.getvalue()
        if self.keys and self.keys[0][0] in text[self.seen :]:
            self.seen = len(text)
            self.press(self.keys.pop(0)[1])


@contextmanager
def typing(keys: Keys) -> Iterator[Screen]:
    """Answer the prompts of this process; all that was awaited must have come by the end."""
    with create_pipe_input() as pipe:
        screen = Screen(keys, pipe.send_text)
        with create_app_session(input=pipe, output=PlainTextOutput(screen)):
            yield screen
    assert not screen.keys
