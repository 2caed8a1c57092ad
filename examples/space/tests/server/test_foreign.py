"""What counts as loaded from another site, and what the content policy lets in."""

from typing import Any

import pytest

from server.foreign import HEAD, Load, foreign_loads, in_css, in_examples, in_html, lets_in

A = "https://a.example.com"
FILE = {"path": f"{A}/x.png", "url": f"{A}/x.png"}


def config(*components: tuple[str, dict[str, Any]], **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make a config as Gradio does."""
    parts = [{"id": number, "type": kind, "props": props} for number, (kind, props) in enumerate(components)]
    return {"stylesheets": [], "css": None, "head": None, "components": parts} | changes


def loads(kind: str, **props: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    """Give directive and address of what one component loads."""
    return [(load.directive, load.url) for load in foreign_loads(config((kind, props)))]


@pytest.mark.parametrize(
    ("text", "directive"),
    [
        (f"![x]({A}/x)", "img-src"),
        (f"![](<{A}/x>)", "img-src"),
        (f'![x]({A}/x "A title")', "img-src"),
        ("![x](//a.example.com/x)", "img-src"),
        (f"<img src={A}/x>", "img-src"),
        (f"<IMG alt='' SRC='{A}/x'>", "img-src"),
        (f"<video src='{A}/x'>", "media-src"),
        (f"<video poster='{A}/x'>", "img-src"),
        (f"<audio><source src='{A}/x'></audio>", "media-src"),
    ],
)
def test_pictures_and_media_in_texts(text: str, directive: str) -> None:
    for kind in ("markdown", "chatbot"):
        assert loads(kind, value=text) == [(directive, f"{A}/x")]
    assert loads("chatbot", value=[{"role": "user", "content": [{"type": "text", "text": text}]}])
    assert loads("chatbot", placeholder=text)
    assert loads("dataframe", datatype=["str", "markdown"], value={"data": [["", text]]})
    assert loads("dataframe", datatype="markdown", value={"data": [["", text]]})
    assert loads("dataframe", datatype=["str"], value={"data": [["", text]]}) == []
    assert loads("textbox", value=text) == loads("json", value=text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"[a link]({A}/x)",
        f"{A}/x.png",
        f"<a href='{A}/x'>x</a>",
        f"`![x]({A}/x)`",
        f"```html\n<img src='{A}/x'>\n```",
        "![x](gradio_api/file=assets/x.png)",
        "<img src='/x.png' alt='https://a.example.com'>",
        "<img src>",
        "![x](https://a.example.com:port/x)",
        "![x](https://[/x)",
        f"<!-- <img src='{A}/x'> -->",
        f"<script src='{A}/x'></script>",
        f"<iframe src='{A}/x'></iframe>",
    ],
)
def test_what_a_text_does_not_load(text: str) -> None:
    assert loads("markdown", value=text) == []


def test_html_has_frames_and_styles_but_its_scripts_never_run() -> None:
    text = "<iframe src='SITE/f'></iframe><style>b { background: url(SITE/x.png) }</style>".replace("SITE", A)
    text += f"<script src='{A}/s'></script>"
    expected = [("frame-src", f"{A}/f"), ("img-src", f"{A}/x.png")]
    assert loads("html", value=text) == loads("html", html_template=text) == expected
    assert loads("markdown", value=text, sanitize_html=False) == expected


def test_files_by_their_address() -> None:
    assert loads("gallery", value=[{"image": FILE, "caption": None}]) == [("img-src", f"{A}/x.png")]
    assert loads("chatbot", avatar_images=(None, FILE)) == loads("button", icon=FILE) == [("img-src", f"{A}/x.png")]
    film = {"path": "x", "url": f"{A}/x.mp4?v=1"}
    assert loads("gallery", value=[{"video": film}]) == [("media-src", f"{A}/x.mp4?v=1")]
    assert loads("image", value={"path": "x", "url": "/gradio_api/file=x"}) == []
    for kind in ("file", "downloadbutton", "json", "dataset"):
        assert loads(kind, value=FILE, samples=[[FILE]]) == []


def test_rows_of_examples_stand_apart() -> None:
    found = in_examples(config(("dataset", {"samples": [[FILE], [f"![x]({A}/y)", 7]]}), ("image", {"value": FILE})))
    assert [load.url for load in found] == [f"{A}/x.png", f"{A}/y"]


def test_styles() -> None:
    text = """
    /* url(SITE/comment.png) */
    @import "SITE/one.css"; @import url('SITE/two.css');
    @font-face { src: url("SITE/x.woff2?v=1#a") }
    b { background: url(//a.example.com/x.svg) } i { background: url(data:image/png;base64,AA) }
    """
    found = [(load.directive, load.url.removeprefix(A)) for load in in_css(text.replace("SITE", A))]
    assert found == [
        ("style-src", "/one.css"),
        ("style-src", "/two.css"),
        ("font-src", "/x.woff2?v=1#a"),
        ("img-src", "/x.svg"),
    ]
    [load] = foreign_loads(config(css="b { background: url(SITE/x) }".replace("SITE", A)))
    assert load == Load("img-src", f"{A}/x")


def test_what_stands_in_the_head() -> None:
    links = f"<link rel='stylesheet' href='{A}/x.css'><link rel=preconnect href='{A}'><link href='{A}'><p>{A}</p>"
    expected = [Load("style-src", f"{A}/x.css"), Load("script-src", f"{A}/x.js")]
    assert list(in_html(f"{links}<script src='{A}/x.js'></script>", HEAD)) == expected
    assert list(foreign_loads(config(head=f"{links}<script src='{A}/x.js'></script>"))) == expected


def test_style_sheets_of_a_theme() -> None:
    [load] = foreign_loads(config(stylesheets=[f"{A}/x.css", "/theme/x.css"]))
    assert (load.directive, load.site, load.part) == ("style-src", A, None)
    found = foreign_loads(config(stylesheets=["https://fonts.googleapis.com/css2?family=Lobster"]))
    assert [load.site for load in found] == ["https://fonts.googleapis.com", "https://fonts.gstatic.com"]


@pytest.mark.parametrize(
    ("source", "url", "is_let_in"),
    [
        (A, f"{A}/x.png", True),
        (A, f"{A}:443/x.png", True),
        (A, f"{A}:8443/x.png", False),
        (f"{A}:8443", f"{A}:8443/x.png", True),
        (A, "https://b.example.com/x.png", False),
        (A, "https://a.example.com.evil.org/", False),
        (A, "http://a.example.com/", False),
        ("http://a.example.com", f"{A}/", True),
        ("http://a.example.com", "http://a.example.com/", True),
        ("http://a.example.com:8080", f"{A}:8080/", True),
        ("http://a.example.com:8080", f"{A}/", False),
        ("https://*.example.com", f"{A}/", True),
        ("https://*.example.com", "https://example.com/", False),
        ("*.example.com", "http://a.example.com/", True),
        ("a.example.com", f"{A}/", True),
        (f"{A}/pictures/", f"{A}/pictures/x.png", True),
        (f"{A}/pictures/", f"{A}/other/x.png", False),
        (f"{A}/x.png", f"{A}/x.png", True),
        (f"{A}/x.png", f"{A}/x.png/y", False),
        ("wss://a.example.com", f"{A}/", False),
        ("'self'", f"{A}/", False),
        ("data:", f"{A}/", False),
        (A, "ftp://a.example.com/", False),
    ],
)
def test_what_a_source_of_the_policy_lets_in(source: str, url: str, *, is_let_in: bool) -> None:
    assert lets_in(source, url) is is_let_in
