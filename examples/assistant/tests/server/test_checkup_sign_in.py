"""A page that wants Gradio's own sign-in: it starts, and the check-up says who signs people in here."""

from typing import Any

import gradio as gr
import httpx

from server import application, checkup
from tests.server.access import headers
from tests.server.fixtures import MakeSettings, Serve


def greet(profile: gr.OAuthProfile | None) -> str:  # pragma: no cover (nobody calls it)
    return "nobody" if profile is None else profile.name


def fetch(text: str, token: "gr.OAuthToken") -> str:  # pragma: no cover
    return text + token.token


def texts(*functions: Any, button: bool = False) -> list[str]:  # noqa: ANN401
    """Give what is said about a page with these handlers."""
    with gr.Blocks() as demo:
        if button:
            gr.LoginButton()
        for function in functions:
            gr.Textbox().submit(function, [gr.Textbox()] * (function is not greet), None)
    return [finding.text for finding in checkup.about_sign_in(demo) if finding.is_problem]


def test_a_button_that_signs_nobody_in_is_named() -> None:
    [text] = texts(button=True)
    assert text == (
        "the button 'Sign in with Hugging Face' signs nobody in: leave it out, and let people in by the auth mode: "
        "uvx copier update -d auth_mode=huggingface"
    )


def test_handlers_that_ask_gradio_who_signed_in_are_named() -> None:
    assert texts(str.upper, print, dict) == []
    [text] = texts(greet, fetch, str.upper)
    assert text == (
        "gr.OAuthProfile and gr.OAuthToken (of fetch, greet) are of nobody here: take request: gr.Request, and "
        "current_user(request) of server.access.identity"
    )


def test_a_page_with_such_a_button_starts_without_the_hub(make_settings: MakeSettings, serve: Serve) -> None:
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.LoginButton()
    with serve(application.create_app(demo, make_settings())) as url:
        assert httpx.get(url, headers=headers()).status_code == 200
        assert httpx.get(f"{url}/login/huggingface", headers=headers()).status_code == 404
