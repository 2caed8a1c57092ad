"""Scripts that are there already, run and served as they are."""

import asyncio
import inspect
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import gradio as gr
import gradio.routes
import pytest
import uvicorn

from server import application, gone
from server.adopt import Adopted, adopt, megabytes
from server.page import Page
from tests.server.client import AppTest, browse
from tests.server.fixtures import MakeSettings

HEAD = "import gradio as gr\nimport uvicorn\nfrom fastapi import FastAPI\n"
HELLO = HEAD + "demo = gr.Interface(lambda name: f'Hello {name}', 'text', 'text', api_name='greet')\n"
Adopt = Callable[..., Adopted]


@pytest.fixture
def bring(tmp_path: Path, make_settings: MakeSettings) -> Iterator[Adopt]:
    """Adopt a script with this text; nothing of it is left behind."""
    main, names = vars(sys.modules["__main__"]), set(vars(sys.modules["__main__"]))
    modules, path = set(sys.modules), sys.path[:]

    def make(text: str, **changes: object) -> Adopted:
        (tmp_path / "old.py").write_text(text, encoding="utf-8")
        return adopt(tmp_path / "old.py", make_settings(**changes))

    yield make
    for name in set(main) - names:
        del main[name]
    for name in set(sys.modules) & {"old", "neighbour"} - modules:
        del sys.modules[name]
    sys.path[:] = path


@pytest.fixture
def open_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the project be one without sign-in, whatever it is."""
    monkeypatch.setattr(application, "auth_mode", sys.modules["server.access.base"])


def build(old: Adopted, settings: Any) -> Any:  # noqa: ANN401
    return application.create_app(old.demo, settings, page=old.page)


SHAPES = {
    "at the module": HELLO + "demo.launch()",
    "under a name": HELLO + "if __name__ == '__main__':\n    demo.queue().launch()",
    "in a function": HELLO + "def main():\n    demo.launch(debug=True)\nmain()",
    "not at all": HELLO,
    "async": HELLO + "import asyncio\nasync def main():\n    demo.launch()\nasyncio.run(main())",
    "without a lock": HELLO + "app, here, _ = demo.launch(prevent_thread_lock=True)\nprint(here)\ndemo.block_thread()",
    "and ends": HELLO + "import sys\ndemo.launch()\nsys.exit(0)",
    "mounted": HELLO + "app = gr.mount_gradio_app(FastAPI(), demo, path='/')\nuvicorn.run(app)",
    "by its other name": HELLO
    + "from gradio.routes import mount_gradio_app\nimport asyncio\n"
    + "app = mount_gradio_app(FastAPI(), demo, '/gradio')\n"
    + "asyncio.run(uvicorn.Server(uvicorn.Config(app)).serve())\nuvicorn.Server(uvicorn.Config(app)).run()",
    "in tabs": HELLO + "gr.TabbedInterface([demo], ['One']).launch()",
    "of a class": HEAD
    + "class Own(gr.Blocks):\n    def launch(self, **more):\n        return super().launch(**more)\n"
    + "with Own() as demo:\n    box = gr.Textbox()\n"
    + "    box.submit(lambda name: f'Hello {name}', box, box, api_name='greet')\ndemo.launch()",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_script_of_any_shape_is_served(shape: str, bring: Adopt, make_settings: MakeSettings) -> None:
    with AppTest(build(bring(SHAPES[shape]), make_settings())) as test:
        assert test.call("greet", "Ada") == ["Hello Ada"]


def test_one_of_many_is_said(bring: Adopt) -> None:
    second = "second = gr.Interface(len, 'text', 'text', title='second')\n"
    old = bring(HELLO + second + "second.launch()\ndemo.launch()\nsecond.launch()")
    assert old.demo.title == "second"
    assert old.notes == ("old.py: it launches 3 times; the last one is served",)
    assert bring(HELLO + second).notes == (
        "old.py: it launches nothing; of its pages demo, second the one named demo is served",
    )
    assert bring(second.join([HEAD, "third = gr.Interface(len, 'text', 'text')"])).demo.title != "second"


def test_it_runs_as_the_main_program_and_nothing_stays_changed(bring: Adopt, tmp_path: Path) -> None:
    def now() -> list[object]:
        patched = [gr.Blocks.launch, gr.Blocks.queue, gr.set_static_paths, cast("Any", gr).mount_gradio_app]
        patched += [cast("Any", gradio.routes).mount_gradio_app, uvicorn.run, uvicorn.Server.run, uvicorn.Server.serve]
        return [*patched, Path.cwd(), sys.argv, sys.path[0], sys.modules["__main__"]]

    (tmp_path / "neighbour.py").write_text("WORD = 'near'")
    (tmp_path / "here.txt").write_text("read")
    before = now()
    seen = "\nimport sys, argparse, neighbour\nargparse.ArgumentParser().parse_args()\nimport __main__\n"
    bring(HELLO + seen + "demo.title = f'{neighbour.WORD} {open(\"here.txt\").read()} {__main__.demo is demo}'\n")
    assert now() == before
    assert sys.modules["old"].__dict__["demo"].title == "near read True"
    with pytest.raises(SystemExit):
        bring("1 / 0")
    assert now() == before
    assert str(tmp_path) == sys.path[-1]


def test_pools_find_its_functions(bring: Adopt) -> None:
    text = HELLO + "from os.path import join\ndef work(): return 5\nclass Thing: ...\n"
    for _ in range(2):  # the tests of a project adopt it again
        bring(text)
        names = vars(sys.modules["old"])
        for name in ("work", "Thing", "join"):
            assert pickle.loads(pickle.dumps(names[name])) is names[name]
    assert vars(sys.modules["__main__"])["work"]() == 5


def test_a_module_that_is_there_keeps_its_name(tmp_path: Path, bring: Adopt, make_settings: MakeSettings) -> None:
    assert bring(HELLO)
    (tmp_path / "json.py").write_text(HELLO + "def work(): return 5\n")
    adopt(tmp_path / "json.py", make_settings())
    assert sys.modules["json"].__file__ != str(tmp_path / "json.py")
    assert vars(sys.modules["__main__"])["work"].__module__ == "__main__"


def test_a_loop_that_runs_is_no_obstacle(bring: Adopt) -> None:
    async def start() -> Adopted:
        return bring(SHAPES["async"])

    assert asyncio.run(start()).notes == ()


def test_everything_about_the_looks_is_handed_on(bring: Adopt, make_settings: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "more.css").write_text(".from-file { top: 0 }")
    looks = "css='.mine {}', css_paths='more.css', js='() => 1', head='<meta name=\"mine\">', theme=gr.themes.Soft()"
    rest = "i18n=gr.I18n(en={'hello': 'Hello'}), footer_links=['api']"
    old = bring(HELLO + f"demo.launch({looks}, {rest})")
    with browse(build(old, make_settings())) as client:
        config = client.get("/config").json()
    assert ".mine {}" in config["css"]
    assert ".from-file" in config["css"]
    assert config["js"] == "() => 1"
    assert '<meta name="mine">' in config["head"]
    assert config["i18n_translations"]["en"] == {"hello": "Hello"}
    assert config["footer_links"] == ["api"]
    assert isinstance(old.page.theme, gr.themes.Soft)


def test_looks_may_still_be_those_of_the_page_itself(bring: Adopt) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        old = bring(HEAD + "with gr.Blocks(css='.page {}', theme='soft') as demo:\n    gr.Textbox()\n")
    assert (old.page.css, old.page.theme) == (".page {}", "soft")
    assert Page(css=".page {}").css == old.page.css


def test_every_argument_has_a_place() -> None:
    known = {
        name
        for function in (gr.Blocks.launch, cast("Any", gr).mount_gradio_app)
        for name in inspect.signature(function).parameters
        if name != "self" and not name.startswith("_")
    }
    looks = set(inspect.signature(Page).parameters)
    places = [looks, gone.ON_THE_PAGE, gone.SETTINGS, gone.ELSEWHERE, gone.SIGN_IN, gone.UNUSED]
    assert known == set().union(*places) | {"path", "allowed_paths"}
    assert len(known) == sum(map(len, places)) + 2


def test_what_has_another_place_is_one_line(bring: Adopt, caplog: pytest.LogCaptureFixture) -> None:
    asks = "share=True, server_name='0.0.0.0', server_port=8000, ssl_keyfile='key.pem', max_file_size='5mb', debug=True"
    old = bring(HELLO + f"demo.launch({asks}, root_path='', inbrowser=False, max_threads=7)")
    ends = [
        "launch(share=) is left out: visitors would come through a foreign host; the answer deploy_target has places",
        "launch(server_name='0.0.0.0') is a setting here: APP_HOST=0.0.0.0 and APP_PUBLIC=true",
        "launch(server_port=8000) is a setting here: APP_PORT=8000",
        "launch(ssl_keyfile=) is left out: https ends in front, in a proxy of APP_TRUSTED_PROXIES",
        "launch(max_file_size='5mb') is a setting here: APP_MAX_UPLOAD_MB=5",
    ]
    assert len(old.notes) == len(ends)
    for note, end in zip(old.notes, ends, strict=True):
        assert note.startswith(f"old.py: {end}")
    assert caplog.messages == list(old.notes)
    assert old.demo.max_threads == 7
    assert bring(HELLO + "demo.launch(max_file_size=5 * gr.FileSize.MB)", max_upload_mb=5).notes == ()


def test_sizes_are_read_as_gradio_reads_them() -> None:
    assert [megabytes(size) for size in (5 * 1024**2, "5mb", "2 GB", "100kb", "nonsense")] == [5, 5, 2048, 1, 1]


def test_routes_of_its_own_are_named(bring: Adopt) -> None:
    route = "app = FastAPI()\n@app.get('/ping')\ndef ping(): return 'pong'\n"
    old = bring(HELLO + route + "gr.mount_gradio_app(app, demo, '/gradio')\nuvicorn.run(app, port=80)")
    assert "mount_gradio_app(path='/gradio') is left out: the page is at /" in old.notes[0]
    assert "its own routes are left out (/ping): put them into a router" in old.notes[1]
    assert "uvicorn is left out: APP_HOST, APP_PORT" in old.notes[2]


@pytest.mark.usefixtures("open_to_all")
@pytest.mark.parametrize("auth", ["auth=('ada', 'pass')", "auth_dependency=lambda request: 'ada'"])
def test_a_sign_in_is_an_answer_of_the_project(auth: str, bring: Adopt) -> None:
    start = f"demo.launch({auth})" if "dependency" not in auth else f"gr.mount_gradio_app(FastAPI(), demo, '', {auth})"
    with pytest.raises(SystemExit, match=r"^old\.py: .*auth.*=\) is refused: .* copier update -d auth_mode=password$"):
        bring(HELLO + start)


def test_where_people_sign_in_the_one_of_the_script_is_left_out(bring: Adopt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "auth_mode", sys.modules["server.access.identity"])
    [note] = bring(HELLO + "demo.launch(auth=('ada', 'pass'))").notes
    assert note == "old.py: launch(auth=) is left out: the auth mode of this project says who may come in"


def test_files_that_stay_closed_are_named(bring: Adopt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.adopt.ASSETS", tmp_path / "assets")
    # Gradio keeps these paths for the whole process.
    monkeypatch.setattr("gradio.data_classes._StaticFiles.all_paths", [])
    for name in ("assets", "data", "pictures"):
        (tmp_path / name).mkdir()
    text = HELLO + "gr.set_static_paths(['assets', 'pictures'])\ndemo.launch(allowed_paths=['data', 'assets/a.png'])"
    place = "is closed to visitors: put it into assets/, or name its folder in APP_PUBLIC_FOLDERS"
    assert bring(text).notes == (f"old.py: data {place}", f"old.py: pictures {place}")
    assert bring(text, public_folders=[tmp_path / "data", tmp_path / "pictures"]).notes == ()


def test_the_queue_is_bounded_by_the_script_or_else_by_the_settings(bring: Adopt) -> None:
    def limits(old: Adopted) -> tuple[int, int, bool]:
        queue = cast("Any", old.demo)._queue  # noqa: SLF001
        return queue.max_size, queue.default_concurrency_limit, old.demo.api_open

    plain = bring(HELLO + "demo.launch()", queue_size=9, concurrency=3, file_ttl=60)
    assert limits(plain) == (9, 3, False)
    assert plain.demo.delete_cache == (60, 60)
    assert limits(bring(HELLO + "demo.queue(api_open=True, max_size=None).launch()", concurrency=3)) == (64, 3, False)
    chosen = bring(HELLO + "demo.queue(max_size=5, default_concurrency_limit=2).launch()")
    assert limits(chosen) == (5, 2, False)
    assert chosen.notes[0] == "old.py: queue(max_size=5) is used, and not APP_QUEUE_SIZE"


def test_the_settings_are_those_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old.py").write_text(HELLO)
    monkeypatch.setattr("server.adopt.read_settings", lambda kind: kind.model_construct(port=1, queue_size=3))
    monkeypatch.setattr("server.adopt.make_known", lambda *_: None)
    assert cast("Any", adopt(tmp_path / "old.py").demo)._queue.max_size == 3  # noqa: SLF001
    with pytest.raises(SystemExit, match=r"there is no file .*missing\.py"):
        adopt("missing.py")


GONE = {
    "gr.Chatbot(type='messages')": "Chatbot() has no 'type' any more: leave it out (messages only)",
    "gr.Interface(len, 'text', 'text', allow_flagging='never')": "Interface() has no 'allow_flagging' any more: write",
    "gr.ChatInterface(len, theme='soft')": "ChatInterface() has no 'theme' any more: give it to launch()",
    "gr.Button().click(len,\n    show_api=False)": "click() has no 'show_api' any more: write api_visibility",
    "gr.Blocks().launch(show_api=False)": "launch() has no 'show_api' any more: write footer_links",
    "gr.Blocks().queue(concurrency_count=3)": "queue() has no 'concurrency_count' any more: write default_concurrency",
    "gr.Textbox().style(container=False)": "Textbox.style() is gone: give it to the constructor, or to CSS",
    "gr.Textbox.update(value=1)": "Textbox.update() is gone: return gr.update(...)",
    "gr.Box()": "gr.Box is gone: write gr.Group",
    "import gradio.inputs": "gr.inputs is gone: components are in gr itself",
    "from gradio import Variable": "gr.Variable is gone: write gr.State",
    "import gradio.nowhere": "ModuleNotFoundError: No module named 'gradio.nowhere'",
    "gr.File(type='file')": 'File(): "file" is now "filepath"',
    "gr.Chatbot([('a', 'b')])": "Chatbot(): pairs are now messages",
    "class A(gr.Chatbot):\n    def __init__(self):\n        super().__init__(type='messages')\nA()": "Chatbot() has no",
    "gr.Chatbot(types='messages')": "TypeError: Chatbot.__init__() got an unexpected keyword argument 'types'",
    "'text'.style()": "AttributeError: 'str' object has no attribute 'style'",
    "raise ValueError('two\\nlines')": "ValueError: two lines",
    "1 / 0": "ZeroDivisionError: division by zero",
    "def (": "SyntaxError: invalid syntax",
}


@pytest.mark.parametrize("code", GONE)
def test_what_fails_is_one_line_with_its_place(code: str, bring: Adopt) -> None:
    with pytest.raises(SystemExit) as stopped:
        bring("import gradio as gr\n\n\n" + code)
    line = str(stopped.value)
    number = {"class": 6}.get(code.split(maxsplit=1)[0], 4)
    assert line.startswith(f"old.py:{number}: {GONE[code]}")
    assert "\n" not in line
    assert stopped.value.__suppress_context__


def test_a_failure_beside_the_script_has_its_own_place(bring: Adopt, tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("import gradio as gr\ngr.Chatbot(likeable=True)")
    with pytest.raises(SystemExit, match=r"^neighbour\.py:2: Chatbot\(\) has no 'likeable' any more: leave it out"):
        bring("import neighbour")


@pytest.mark.parametrize(("code", "end"), [("import sys; sys.exit('no GPU')", "no GPU"), ("raise SystemExit(2)", "2")])
def test_a_script_that_ends_by_itself_is_said(code: str, end: str, bring: Adopt) -> None:
    with pytest.raises(SystemExit, match=rf"^old\.py ends by itself: {end}$"):
        bring(code)


def test_a_script_without_a_page_is_said(bring: Adopt) -> None:
    with pytest.raises(SystemExit, match=r"^old\.py: it launches nothing and has no gr\.Blocks among its names"):
        bring("import os")


def test_what_is_listed_as_gone_is_gone() -> None:
    for row in gone.ARGUMENTS:
        for owner in row.of.split():
            kind = getattr(gr, owner, None) or getattr(gr.Blocks, owner)
            parameters = inspect.signature(inspect.unwrap(kind.__init__ if inspect.isclass(kind) else kind)).parameters
            assert not set(row.names.split()) & set(parameters), owner
    for name in gone.NAMES:
        assert not hasattr(gr, name), name
    for name in gone.METHODS:
        assert not hasattr(gr.Textbox, name), name
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
