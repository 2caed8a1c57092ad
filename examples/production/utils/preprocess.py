"""Cleaning of the input: what comes from the page is checked here before a service sees it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from services.errors import InputError


def uploaded(path: str | None) -> Path:
    """Give the path of an uploaded file.

    Raises:
        InputError: if there is none.

    """
    if not path:
        raise InputError("Upload a table first.")
    return Path(path)


def verdict(check: Callable[..., object], *values: object) -> dict[str, Any]:
    """Turn a check into what Gradio shows beside a component."""
    try:
        check(*values)
    except InputError as error:
        return gr.validate(is_valid=False, message=str(error))
    return gr.validate(is_valid=True, message="")
