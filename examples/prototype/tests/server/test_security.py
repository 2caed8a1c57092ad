"""What a browser may do with an answer: the policy of each kind, and what it comes to in a real browser."""

import re
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from server import application, gate
from server.security import may_run
from tests.server.client import AppTest, browse
from tests.server.fixtures import MakeApp, MakeSettings, Serve
from tests.server.page import open_page, visit

REPORT = """<!doctype html><title>Report</title><p id="said">No script ran.</p>
<script>
let said = "closed"
try { said = parent.document.title } catch {}
document.getElementById("said").textContent = "The page around is: " + said
</script>
"""
FRAME = "address => { const it = document.createElement('iframe'); it.src = address; document.body.append(it) }"
"""Puts a file into the page, as an `<iframe>` in a component does."""
LOAD = """name => new Promise(done => {
  const core = "self.createFFmpegCore = async () => ({setLogger() {}, setProgress() {}})"
  const coreURL = URL.createObjectURL(new Blob([core], {type: "text/javascript"}))
  const worker = new Worker("/assets/" + name)
  worker.onmessage = ({data}) => done(data.type)
  worker.onerror = error => done(error.message)
  worker.postMessage({id: 1, type: "LOAD", data: {coreURL}})
})"""
"""Lets the worker with which Gradio trims films load its ffmpeg, here a stand-in; it says what came of it."""
SCRIPTS = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
ONLY_HERE = "frame-ancestors 'self';"
CONTENT = """default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';
img-src 'self' data: blob:; media-src 'self' blob: data:; font-src 'self' data:; connect-src 'self' blob:;
worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"""
DEVICES = """camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(), payment=(), serial=(),
usb=()"""
MEANT = {
    "content-security-policy": CONTENT.replace("\n", " "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": DEVICES.replace("\n", " "),
}
"""The headers of an answer, word for word: whoever loosens one has to write it here too."""
COVER = (
    '<div class="cover" style="position: fixed; inset: 0; width: 9999px; height: 9999px; z-index: 99999">Pay here</div>'
)
"""What a model may be talked into writing."""
OUTSIDE = """() => {
  const found = [], step = 20
  for (let x = 1; x < innerWidth; x += step)
    for (let y = 1; y < innerHeight; y += step) {
      const cover = document.elementFromPoint(x, y)?.closest(".cover")
      const box = cover?.closest(".prose").getBoundingClientRect()
      if (cover && (x < box.left || x > box.right || y < box.top || y > box.bottom)) found.push([x, y])
    }
  return found
}"""
"""Where on the page that lies over something that is not its message."""


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for the folder `assets/` of a project; the rest of `tmp_path` is not public."""
    folder = tmp_path / "assets"
    folder.mkdir()
    for name in ("report.html", "drawing.svg", "table.csv"):
        (folder / name).write_text(REPORT)
    Image.new("RGB", (20, 20), "red").save(folder / "paper.pdf")
    for module in (application, gate):
        monkeypatch.setattr(module, "ASSETS", folder)
    return folder


def source(policy: str, rule: str) -> set[str]:
    """Give the sources that a policy admits for something."""
    [found] = re.findall(rf"{rule} ([^;]+)", policy)
    return set(found.split())


@pytest.mark.parametrize("path", ["/", "/config", "/healthz", "/docs", "/gradio_api/queue/join", "/gradio_api/file=/x"])
def test_the_headers_are_word_for_word_what_is_meant(make_app: MakeApp, path: str) -> None:
    with browse(make_app(allow_eval=False)) as client:
        headers = client.get(path).headers
    assert {name: headers.get(name) for name in MEANT} == MEANT
    assert "strict-transport-security" not in headers
    assert "server" not in headers


def test_over_https_a_browser_keeps_to_it(make_app: MakeApp) -> None:
    with browse(make_app(allow_eval=False), base_url="https://localhost") as client:
        headers = client.get("/config").headers
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert {name: headers.get(name) for name in MEANT} == MEANT


def test_what_a_page_may_ask_for_is_in_the_header(make_settings: MakeSettings) -> None:
    settings = make_settings(permissions=["geolocation"])
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Audio(sources=["microphone"])
    with browse(application.create_app(demo, settings)) as client:
        asks = client.get("/").headers["permissions-policy"]
    assert [part for part in asks.split(", ") if not part.endswith("=()")] == [
        "geolocation=(self)",
        "microphone=(self)",
    ]


def test_what_a_model_writes_stays_within_its_message(
    browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    settings = make_settings()
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Chatbot([{"role": "assistant", "content": f"Hello\n\n{COVER}"}])
        gr.Markdown(f"Hello\n\n{COVER}")
        gr.Textbox(label="Below")
    with serve(application.create_app(demo, settings)) as url, visit(browser, url) as page:
        expect(page.locator(".cover")).to_have_count(2)
        expect(page.locator(".cover").first).to_be_visible()
        assert page.evaluate(OUTSIDE) == []
        page.get_by_label("Below").click()


def test_only_scripts_of_gradio_may_load_what_the_browser_holds(make_app: MakeApp) -> None:
    script = next(SCRIPTS.glob("*.js")).name
    with browse(make_app()) as client:
        policies = {path: client.get(path).headers["content-security-policy"] for path in ("/", f"/assets/{script}")}
    for policy in policies.values():
        assert source(policy, "connect-src") == {"'self'", "blob:"}
    for loaded in ("blob:", "'wasm-unsafe-eval'"):
        assert [(loaded in source(policy, "script-src")) for policy in policies.values()] == [False, True]
    assert "sandbox" not in "".join(policies.values())


def test_a_file_for_everybody_may_be_shown_in_the_app_itself(make_app: MakeApp, assets: Path) -> None:
    with browse(make_app()) as client:
        for name, boxed in (("report.html", True), ("drawing.svg", True), ("table.csv", False), ("paper.pdf", False)):
            answer = client.get(f"/gradio_api/file={assets / name}")
            assert answer.status_code == 200
            assert ONLY_HERE in answer.headers["content-security-policy"]
            assert answer.headers["x-frame-options"] == "SAMEORIGIN"
            assert answer.headers["content-security-policy"].endswith("; sandbox allow-scripts") is boxed, name


def test_a_site_that_shows_the_app_also_shows_its_files(make_app: MakeApp, assets: Path) -> None:
    with browse(make_app(frame_ancestors=["https://example.com"])) as client:
        headers = client.get(f"/gradio_api/file={assets / 'paper.pdf'}").headers
    assert "frame-ancestors 'self' https://example.com;" in headers["content-security-policy"]
    assert "x-frame-options" not in headers


def test_no_other_file_may_be_shown_in_a_frame(make_app: MakeApp, assets: Path) -> None:
    (assets.parent / "letter.html").write_text(REPORT)
    with AppTest(make_app()) as test:
        mine = test.upload(assets.parent / "letter.html")["path"]
        for path in (mine, str(assets.parent / "letter.html")):
            answer = test.http.get(f"/gradio_api/file={path}")
            assert "frame-ancestors 'none';" in answer.headers["content-security-policy"]
            assert answer.headers["x-frame-options"] == "DENY"


def test_what_does_not_say_what_it_is_may_hold_scripts() -> None:
    assert may_run([(b"etag", b"x")])
    assert may_run([(b"content-type", b"application/xhtml+xml")])
    assert not may_run([(b"content-type", b"image/png")])


def test_a_report_runs_in_a_frame_and_cannot_reach_the_page(
    browser: Browser, make_app: MakeApp, serve: Serve, assets: Path
) -> None:
    with serve(make_app()) as url, visit(browser, url) as page:
        page.evaluate(FRAME, f"/gradio_api/file={assets / 'report.html'}")
        expect(page.frame_locator("iframe").locator("#said")).to_have_text("The page around is: closed")


def test_a_paper_shows_in_a_frame(browser: Browser, make_app: MakeApp, serve: Serve, assets: Path) -> None:
    with serve(make_app()) as url, open_page(browser, url) as page:
        page.goto("/")
        with page.expect_event("framenavigated") as navigated:
            page.evaluate(FRAME, f"/gradio_api/file={assets / 'paper.pdf'}")
        assert navigated.value.url.endswith("/paper.pdf"), "the browser shows its own page for what it refuses"


def test_the_page_reads_what_the_browser_holds(browser: Browser, make_app: MakeApp, serve: Serve) -> None:
    with serve(make_app()) as url, visit(browser, url) as page:
        # As the preview of a recording does.
        read = "fetch(URL.createObjectURL(new Blob(['sound']))).then(answer => answer.text())"
        assert page.evaluate(read) == "sound"


def test_the_worker_that_trims_films_loads_what_the_browser_holds(
    browser: Browser, make_app: MakeApp, serve: Serve
) -> None:
    [worker] = [path.name for path in SCRIPTS.glob("worker-*.js") if "createFFmpegCore" in path.read_text("utf-8")]
    with serve(make_app()) as url, visit(browser, url) as page:
        assert page.evaluate(LOAD, worker) == "LOAD"


def test_a_proxy_is_told_not_to_hold_event_streams_back(make_app: MakeApp) -> None:
    with AppTest(make_app()) as test:
        joined = test.http.post("/gradio_api/call/fetch", json={"data": ["x"], "session_hash": test.session})
        stream = test.http.get(f"/gradio_api/call/fetch/{joined.json()['event_id']}")
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-accel-buffering"] == "no"
        assert "x-accel-buffering" not in test.http.get("/config").headers
