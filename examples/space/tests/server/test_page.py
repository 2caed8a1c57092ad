"""What belongs to the page: styles, scripts, theme, translations, logo, public files."""

import json
import os
import re
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Browser, expect
from starlette.testclient import TestClient

from server import application, gate, page
from server.page import Page, find_theme, listed
from server.queueing import queue_options
from server.settings import ASSETS, ServerSettings
from tests.server.client import AppTest, EventError, browse
from tests.server.fixtures import MakeApp, MakeSettings, Serve
from tests.server.page import visit

RED = ".mark { color: rgb(1, 2, 3); }"
PICTURE = "<svg xmlns='http://www.w3.org/2000/svg'/>"


def test_the_page_holds_the_title(make_app: MakeApp) -> None:
    app = make_app(title="Named")
    with browse(app) as client:
        config = json.loads(client.get("/config").text)
    assert config["title"] == "Named"
    assert Path(os.environ["GRADIO_TEMP_DIR"]).is_dir()


def test_a_logo_is_on_the_page_and_in_the_tab(make_app: MakeApp, tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    with browse(make_app(logo=str(logo), root_path="/demo")) as client:
        config = client.get("/config").json()
        page = client.get("/", headers={"accept": "text/html"}).text
        icon = client.get("/favicon.ico")
    [image] = [part for part in config["components"] if part["props"].get("elem_id") == "logo"]
    assert '<img src="/demo/favicon.ico"' in image["props"]["value"]
    assert config["layout"]["children"][0]["id"] == image["id"]
    assert "/demo/favicon.ico" in page
    assert icon.text == logo.read_text()
    assert icon.headers["content-type"] == "image/svg+xml"


def test_a_logo_that_is_not_there_is_refused(make_app: MakeApp) -> None:
    with pytest.raises(SystemExit, match=r"APP_LOGO: there is no file missing\.png"):
        make_app(logo="missing.png")


def test_an_unknown_theme_is_named_with_the_known_ones(make_settings: MakeSettings) -> None:
    with pytest.raises(SystemExit, match=r"there is no theme 'plaid'. Choose one of: base, citrus"):
        find_theme("plaid")
    with pytest.raises(SystemExit, match=r"^theme=: there is no theme 'mine/plaid'"):
        Page(theme="mine/plaid").options(make_settings(), [])


def test_everything_that_launch_takes_for_the_look_reaches_the_page(make_app: MakeApp, tmp_path: Path) -> None:
    style, head = tmp_path / "more.css", tmp_path / "more.html"
    style.write_text(".from-file { top: 0 }")
    head.write_text("<meta name='from-file'>")
    looks = Page(
        css=RED,
        css_paths=style,
        js="() => { window.mine = 1 }",
        head="<meta name='mine'>",
        head_paths=[head],
        theme=gr.themes.Soft(primary_hue="rose"),
        i18n=gr.I18n(en={"hello": "Hello"}, de={"hello": "Hallo"}),
    )
    with browse(make_app({"page": looks})) as client:
        config = client.get("/config").json()
        theme = client.get("/theme.css").text
    assert RED in config["css"]
    assert ".from-file" in config["css"]
    assert config["js"] == "() => { window.mine = 1 }"
    assert "<meta name='mine'>" in config["head"]
    assert "<meta name='from-file'>" in config["head"]
    assert config["i18n_translations"]["de"] == {"hello": "Hallo"}
    assert theme != gr.themes.Default()._get_theme_css()  # noqa: SLF001


def test_the_page_is_in_the_language_of_its_visitor(
    browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    words = gr.I18n(
        en={"name": "Your name", "run": "Run", "about": "About **us**"},
        de={"name": "Ihr Name", "run": "Los", "about": "Über **uns**"},
    )
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Markdown(words("about"))
        gr.Textbox(label=words("name"))
        gr.Button(words("run"))
    demo.queue(**queue_options(make_settings()))
    with serve(application.create_app(demo, make_settings(), page=Page(i18n=words))) as url:
        # A language that nobody translated to gets English.
        for locale, name, run, about in (
            ("en-US", "Your name", "Run", "us"),
            ("de-DE", "Ihr Name", "Los", "uns"),
            ("sv-SE", "Your name", "Run", "us"),
        ):
            with visit(browser, url, locale=locale) as shown:
                expect(shown.get_by_label(name, exact=True)).to_be_visible()
                expect(shown.get_by_role("button", name=run, exact=True)).to_be_visible()
                expect(shown.locator("strong", has_text=about).last).to_be_visible()
                assert "__i18n__" not in shown.content().partition("<body")[2].partition("<script")[0]


@pytest.mark.filterwarnings("ignore:SSR mode")
def test_a_further_page_with_a_slash_at_its_end_is_found(make_settings: MakeSettings) -> None:
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Textbox()
    with demo.route("Second", "second"):
        gr.Textbox()
    app = application.create_app(demo, make_settings(root_path="/demo"))
    with browse(app, follow_redirects=False) as client:
        led = client.get("/second/?x=1&y=a%26b")
        assert (led.status_code, led.headers["location"]) == (308, "/demo/second?x=1&y=a%26b")
        assert client.get("/second/").headers["location"] == "/demo/second"
        assert client.get("/second?x=1").status_code == 200
        for path in ("//", "/second//", "/third/"):
            assert client.get(f"http://localhost{path}").status_code == 404
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as stranger:
        assert stranger.get("/second/").status_code == (401 if app.state.access.known_only else 308)


def test_what_gradio_5_took_in_its_constructor_reaches_the_page(make_settings: MakeSettings, tmp_path: Path) -> None:
    style, head = tmp_path / "more.css", tmp_path / "more.html"
    style.write_text(".from-file { top: 0 }")
    head.write_text("<meta name='from-file'>")
    given: dict[str, Any] = {
        "css": RED,
        "css_paths": [style],
        "js": "() => { window.mine = 1 }",
        "head": "<meta name='mine'>",
        "head_paths": head,
        "theme": "Soft",
    }

    def served(looks: Page | None) -> tuple[dict[str, Any], FastAPI]:
        with pytest.warns(UserWarning, match="moved from the Blocks constructor"):
            demo = gr.Blocks(analytics_enabled=False, **given)
        with demo:
            gr.Textbox()
        demo.queue(**queue_options(make_settings()))
        app = application.create_app(demo, make_settings(), page=looks)
        with browse(app) as client:
            return client.get("/config").json(), app

    config, app = served(None)
    assert RED in config["css"]
    assert ".from-file" in config["css"]
    assert config["js"] == given["js"]
    assert "<meta name='mine'>" in config["head"]
    assert "<meta name='from-file'>" in config["head"]
    assert config["theme"] == "soft"
    assert {finding.text for finding in app.state.life.findings} >= {
        f"{name}= of gr.Blocks is used; its place is page=Page({name}=...) of create_app" for name in given
    }
    config, app = served(Page(css=".other { top: 0 }", theme="glass"))
    assert RED not in config["css"]
    assert ".other" in config["css"]
    assert config["js"] == given["js"]
    assert config["theme"] == "glass"
    assert [finding.text for finding in app.state.life.findings if finding.is_problem] == [
        f"{name}= of gr.Blocks is not used, because page=Page({name}=...) of create_app is: put both there"
        for name in ("theme", "css")
    ]


def test_a_page_that_was_closed_by_its_author_is_refused_and_not_opened(make_settings: MakeSettings) -> None:
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Textbox()
    for auth in ([("ada", "secret")], lambda *_: True):
        demo.auth = auth
        with pytest.raises(SystemExit, match=r"^demo\.auth is not read here.*auth_mode=password$"):
            application.create_app(demo, make_settings())


def test_default_is_the_theme_of_the_project_and_any_other_name_comes_before_it(make_settings: MakeSettings) -> None:
    own, other = gr.themes.Base(), gr.themes.Glass()
    assert Page().options(make_settings(theme="default"), [], own)["theme"] is own
    assert isinstance(Page().options(make_settings(theme="soft"), [], own)["theme"], gr.themes.Soft)
    assert Page(theme=other).options(make_settings(theme="default"), [], own)["theme"] is other


def test_a_theme_has_a_name_or_is_an_object(make_settings: MakeSettings) -> None:
    class Own(gr.themes.Base):
        """A theme of somebody's own."""

    settings = make_settings(theme="monochrome")
    assert isinstance(Page().options(settings, [])["theme"], gr.themes.Monochrome)
    assert isinstance(Page(theme="soft").options(settings, [])["theme"], gr.themes.Soft)
    assert isinstance(Page(theme=Own()).options(settings, [])["theme"], Own)


def test_fonts_of_every_theme_are_there_for_pages_before_the_sign_in(make_app: MakeApp) -> None:
    app = make_app(theme="soft")
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as stranger:
        fonts = set(re.findall(r"/?(static/fonts/[^'\")]+)", stranger.get("/theme.css").text))
        answers = {path: stranger.get(f"/{path}") for path in fonts}
        assert len(answers) > 1
        assert {(it.status_code, it.headers["content-type"]) for it in answers.values()} == {(200, "font/woff2")}
        status = 401 if app.state.access.known_only else 405
        assert {stranger.post(f"/{path}").status_code for path in fonts} == {status}


def test_the_style_of_the_project_is_used_when_it_is_there(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = tmp_path / "style.css"
    monkeypatch.setattr(page, "STYLE", style)
    assert Page().options(make_settings(), [])["css_paths"] is None
    style.write_text(RED)
    assert Page(css_paths=["more.css"]).options(make_settings(), [])["css_paths"] == [style, "more.css"]
    assert listed("one.css") == ["one.css"]


def test_the_content_policy_admits_this_site_and_what_the_settings_add(make_app: MakeApp) -> None:
    added = {
        "img-src": ["https://*.tile.openstreetmap.org", "https://example.com", "data:"],
        "frame-src": ["https://video.example.com"],
        "script-src": ["https://cdn.example.com"],
    }
    for changes, images, scripts, frames in (
        ({}, "", "", ""),
        ({"content_sources": {"img-src": []}}, "", "", ""),
        (
            {"content_sources": added},
            " https://*.tile.openstreetmap.org https://example.com",
            " https://cdn.example.com",
            "frame-src 'self' https://video.example.com; ",
        ),
    ):
        for allowed, evaluated in ((False, ""), (True, " 'unsafe-eval'")):
            with browse(make_app(allow_eval=allowed, **changes)) as client:
                policy = client.get("/").headers["content-security-policy"]
            assert policy == (
                f"default-src 'self'; script-src 'self' 'unsafe-inline'{evaluated}{scripts}; "
                f"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:{images}; "
                "media-src 'self' blob: data:; font-src 'self' data:; connect-src 'self' blob:; "
                "worker-src 'self' blob:; "
                f"{frames}frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
            )


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for the folder `assets/` of a project; the rest of `tmp_path` is not public."""
    folder = tmp_path / "assets"
    (folder / "deep").mkdir(parents=True)
    for name in ("picture.svg", "deep/picture.svg", ".hidden.svg"):
        (folder / name).write_text(PICTURE)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    for module in (application, gate):
        monkeypatch.setattr(module, "ASSETS", folder)
    return folder


def test_assets_are_served_with_their_type_and_nothing_beside_them(make_app: MakeApp, assets: Path) -> None:
    with AppTest(make_app()) as test:
        for name in ("picture.svg", "deep/picture.svg"):
            answer = test.http.get(f"/gradio_api/file={assets / name}")
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
            assert answer.text == PICTURE
            assert answer.headers["cache-control"] == "private, max-age=3600"
        for name in (".hidden.svg", "link.txt", "../secret.txt", "missing.svg"):
            assert test.http.get(f"/gradio_api/file={assets / name}").status_code in {403, 404}
        [file] = test.call("fetch", str(assets / "picture.svg"))
        assert file["orig_name"] == "picture.svg"
        with pytest.raises(EventError):
            test.call("fetch", str(assets / ".hidden.svg"))


def test_what_is_not_public_is_not_kept(make_app: MakeApp, assets: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Ada")
    app = make_app()
    with AppTest(app) as test:
        mine = test.upload(tmp_path / "letter.txt")["path"]
        for path in (mine, f"{assets}/../secret.txt", "x%00y", "a" * 5000):
            kept = test.http.get(f"/gradio_api/file={path}").headers.get("cache-control")
            assert kept == ("no-store" if app.state.access.known_only else None), path


def test_a_picture_of_the_page_may_come_from_assets(make_settings: MakeSettings, assets: Path) -> None:
    picture = str(assets / "picture.png")
    Image.new("RGB", (2, 2), "red").save(picture)
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Image(picture)
        gr.Chatbot([{"role": "assistant", "content": "Hello"}], avatar_images=(None, picture))
        gr.Markdown(f"![picture](/gradio_api/file={picture})")
    demo.queue(**queue_options(make_settings()))
    with browse(application.create_app(demo, make_settings())) as client:
        shown = json.loads(client.get("/config").text)["components"]
        avatar = next(part for part in shown if part["type"] == "chatbot")["props"]["avatar_images"][1]
        value = next(part for part in shown if part["type"] == "image")["props"]["value"]
        for file in (avatar, value):
            assert client.get(f"/gradio_api/file={file['path']}").content == Path(picture).read_bytes()


def test_a_further_folder_is_public_by_a_setting(make_app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "data.svg").write_text(PICTURE)
    for folders, status in (([], {403, 404}), ([tmp_path], {200})):
        with browse(make_app(public_folders=folders)) as client:
            assert client.get(f"/gradio_api/file={tmp_path / 'data.svg'}").status_code in status


def test_pictures_of_gradio_itself_are_served_wherever_it_is_installed(make_app: MakeApp) -> None:
    icon = next((Path(gr.__file__).parent / "icons").glob("*.svg"))
    with browse(make_app()) as client:
        assert client.get(f"/gradio_api/file={icon}").status_code == 200
        assert client.get(f"/gradio_api/file={gr.__file__}").status_code in {403, 404}


def test_the_folder_for_everybody_lies_in_the_project() -> None:
    assert ASSETS.parent == Path(os.path.realpath(__file__)).parent.parent.parent
    assert ServerSettings.model_fields["public_folders"].default == []
