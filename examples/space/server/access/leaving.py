"""The way out where another site signs people in and out."""

from html import escape

from starlette.responses import HTMLResponse

from server.access.pages import page
from server.settings import ServerSettings


def leaving_page(settings: ServerSettings, url: str) -> HTMLResponse:
    """Go on to another site. A redirect of a form would be held back by the policy for forms."""
    link = escape(url, quote=True)
    head = f'<meta http-equiv="refresh" content="0; url={link}">\n'
    return page(settings, "Signed out", f'<p><a class="button" href="{link}">Continue</a></p>', head=head)
