"""Feature `pwa`: browsers may install the page.

They fetch the manifest and the icon without cookies, so these two are open to everybody. What they tell is on the
login page as well: the title and a picture.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.responses import FileResponse, JSONResponse
from PIL import Image, UnidentifiedImageError

from server.access.base import Access
from server.settings import ServerSettings

MANIFEST_PATH = "/manifest.json"
ICON = "favicon.ico"
SMALLEST_ICON = 192
"""Pixels of a side that browsers ask for before they offer to install a page."""


def icon_of(path: Path | None) -> dict[str, str]:
    """Describe the icon: that of the tab, which is open to everybody anyway.

    Raises:
        SystemExit: one line that says what to change.

    """
    if path is None:
        return {"src": ICON, "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    try:
        with Image.open(path) as picture:
            kind, (width, height) = picture.format, picture.size
    except (OSError, UnidentifiedImageError):
        raise SystemExit(f"APP_ICON: {path} cannot be read as a picture. Name a square PNG.") from None
    if kind != "PNG" or width != height or width < SMALLEST_ICON:
        raise SystemExit(
            f"APP_ICON: {path} is a {kind} of {width} x {height} pixels. "
            f"Name a square PNG of at least {SMALLEST_ICON} pixels."
        )
    return {"src": ICON, "sizes": f"{width}x{height}", "type": "image/png", "purpose": "any"}


def add_manifest(app: FastAPI, access: Access, settings: ServerSettings) -> None:
    """Answer with what a browser needs to install the page. Addresses are seen from where the manifest lies."""
    manifest: dict[str, Any] = {
        "name": settings.title,
        "id": "./",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "icons": [icon_of(settings.icon)],
    }

    @app.get(MANIFEST_PATH)
    async def manifest_json() -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse(manifest, media_type="application/manifest+json")

    if (icon := settings.icon) is not None:

        @app.get(f"/{ICON}")
        async def favicon() -> FileResponse:  # pyright: ignore[reportUnusedFunction]
            return FileResponse(icon)

    access.public = access.public | {f"GET {MANIFEST_PATH}"}


def manifest_link(settings: ServerSettings) -> str:
    """Lead the page to the manifest where a proxy strips a path: Gradio's page names it from the top of the host."""
    base = urlsplit(settings.root_path).path.rstrip("/")
    address = json.dumps(base + MANIFEST_PATH).replace("<", "\\u003c")
    return f"<script>document.querySelector('link[rel=manifest]').href = {address};</script>" if base else ""
