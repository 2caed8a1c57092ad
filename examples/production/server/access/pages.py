"""The few pages outside Gradio's: sign in, signed out. They work without JavaScript and use the theme of the app."""

from html import escape
from urllib.parse import urlsplit

import gradio as gr
from starlette.responses import HTMLResponse

from server.access.identity import current_user
from server.gradio_adapter import add_to_every_page
from server.settings import ServerSettings

SIGN_OUT_PATH = "/logout"

STYLE = """
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;font-family:var(--font,sans-serif);
 background:var(--body-background-fill,#fff);color:var(--body-text-color,#1f2937)}
main{width:100%;max-width:24rem}
h1{font-size:1.5rem;margin:0 0 1rem}
label{display:block;margin:1rem 0 .25rem}
input{width:100%;padding:.75rem;font-size:1rem;color:inherit;background:var(--input-background-fill,#fff);
 border:1px solid #767676;border-radius:var(--input-radius,8px)}
button,a.button{display:block;width:100%;margin-top:1.5rem;padding:.75rem;font:inherit;font-weight:600;text-align:center;
 text-decoration:none;color:#fff;background:#1d4ed8;border:0;border-radius:var(--button-large-radius,8px);cursor:pointer}
:focus-visible{outline:3px solid #1d4ed8;outline-offset:2px}
[role=alert]{padding:.75rem;color:#7f1d1d;background:#fef2f2;border-radius:8px}
"""


def base(settings: ServerSettings) -> str:
    """Give the path under which a proxy shows the app, without a slash at its end."""
    return urlsplit(settings.root_path).path.rstrip("/")


def page(settings: ServerSettings, title: str, body: str, status: int = 200, head: str = "") -> HTMLResponse:
    """Make a page. `body` and `head` are HTML; what comes from outside must have been escaped."""
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - {escape(settings.title)}</title>
<link rel="stylesheet" href="{escape(base(settings))}/theme.css">
<style>{STYLE}</style>
{head}</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
""",
        status,
    )


def alert(text: str) -> str:
    """Make a message that screen readers read out at once."""
    return f'<p role="alert">{escape(text)}</p>' if text else ""


def next_path(settings: ServerSettings, wanted: str) -> str:
    """Give where to go after signing in: a page of this app, whatever the address said."""
    is_path = wanted.startswith("/") and not wanted.startswith("//")
    return base(settings) + (wanted if is_path and wanted.isprintable() and "\\" not in wanted else "/")


def add_account_bar(demo: gr.Blocks, settings: ServerSettings) -> None:
    """Put on top of the page who is signed in, with a button to sign out."""

    def show(request: gr.Request) -> str:
        name = " ".join(current_user(request).name.split())  # A line break would end the HTML.
        return (
            f'<form method="post" action="{escape(base(settings) + SIGN_OUT_PATH)}" '
            'style="display:flex;gap:1rem;justify-content:flex-end;align-items:center">'
            f"<span>Signed in as <strong>{escape(name)}</strong></span>"
            '<button style="text-decoration:underline">Sign out</button></form>'
        )

    def build() -> None:
        # Gradio's component for HTML evaluates strings as code, which the policy of most apps does not allow.
        bar = gr.Markdown(elem_id="account", container=False, sanitize_html=False, latex_delimiters=[])
        demo.load(show, None, bar, api_visibility="private", show_progress="hidden", queue=False)

    add_to_every_page(demo, build)
