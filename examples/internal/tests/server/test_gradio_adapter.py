"""Each point of Gradio that it does not publish, held against the Gradio that is installed.

A test that fails here says what changed; that is followed in `server/gradio_adapter.py`, or in `server/gradio_chat.py`.
"""

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import gradio as gr
import pytest

import server
from server import application, gradio_adapter, gradio_chat
from server.queueing import queue_options
from tests.server.access import headers
from tests.server.client import AppTest, browse
from tests.server.fixtures import MakeApp, MakeSettings, Serve
from tests.server.tiny import tiny_demo


@contextmanager
def holds(point: str) -> Iterator[None]:
    """Say which point of Gradio is not as it was."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"Gradio changed {point}: {error!r}") from error


def test_it_says_what_changed() -> None:
    with pytest.raises(AssertionError, match=r"Gradio changed Blocks\.fns"), holds("Blocks.fns"):
        gradio_adapter.events(cast("Any", object()))


def test_gradio_writes_no_stubs_at_start() -> None:
    module = importlib.import_module("gradio.component_meta")
    with holds("gradio.component_meta.create_or_modify_pyi"):
        assert module.create_or_modify_pyi is server.write_nothing
    finder = server.PatchGradio()
    assert finder.find_spec("json", None) is None
    spec = finder.find_spec("gradio.component_meta", gr.__path__)
    assert spec is not None
    assert spec.loader is not None


def test_gradio_is_imported_with_the_garbage_collector_at_rest() -> None:
    code = (
        "import gc; import server; seen = []; gc.callbacks.append(lambda *_: seen.append(1)); import gradio;"
        "print(len(seen), gc.get_freeze_count() > 100_000, gc.isenabled())"
    )
    for before, after in (("", "True True"), ("import gc; gc.disable();", "False False")):
        found = subprocess.run([sys.executable, "-c", before + code], capture_output=True, text=True, check=True)
        times, rest = found.stdout.strip().split(" ", 1)
        assert int(times) < 20  # it would be some hundred times
        assert rest == after


def test_a_page_has_one_application_the_one_that_is_served(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradio.routes import App  # noqa: PLC0415

    built: list[object] = []
    plain = App.create_app
    monkeypatch.setattr(App, "create_app", lambda *args, **options: built.append(args) or plain(*args, **options))
    settings = make_settings()
    demo = tiny_demo(settings)
    assert not built
    with holds("Blocks.app"):
        assert isinstance(demo.app, App)  # whoever asks for it before it is mounted gets one
        assert demo.app is demo.app
        assert len(built) == 1
        app = application.create_app(demo, settings)
        assert len(built) == 2
        assert demo.app is cast("Any", app.routes[-1]).app


def test_a_gradio_without_these_parts_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "later.py"
    path.write_text("class Blocks: ...")
    module = ModuleType("later")
    for patch in (server.skip_stubs, server.build_apps_late):
        monkeypatch.setitem(server.PATCHES, "later", patch)
        server.PatchingLoader("later", str(path)).exec_module(module)
        assert set(vars(module)) >= {"Blocks"}
        assert not hasattr(vars(module)["Blocks"], "app")


def test_a_package_that_is_not_there_is_missing_in_python_s_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", sys.meta_path[:])
    server.prepare_imports("no_such_package")
    before = len(sys.meta_path)
    for name in ("no_such_package", "no_such_package.part"):
        with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no_such_package'$"):
            importlib.import_module(name)
    server.prepare_imports("json")
    assert len(sys.meta_path) == before + 1  # nothing for a package that is there


def test_the_events_of_a_page_are_known(make_app: MakeApp) -> None:
    demo = make_app().state.demo
    with holds("Blocks.fns"):
        names = {fn.api_name: number for number, fn in gradio_adapter.events(demo).items()}
        assert {"fetch", "read", "hidden"} <= names.keys()
        assert {"fetch", "read"} <= gradio_adapter.public_events(demo)
        assert "hidden" not in gradio_adapter.public_events(demo)
        assert not gradio_adapter.follows_another(demo, names["fetch"])
    with pytest.raises(KeyError):
        gradio_adapter.follows_another(demo, 10_000)


@pytest.mark.filterwarnings("ignore:SSR mode")
def test_something_on_top_is_on_top_of_every_page(make_settings: MakeSettings) -> None:
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Textbox(lambda: "loaded once")
    with demo.route("Second", "second"):
        gr.Textbox()
    with holds("Blocks.pages"):
        assert gradio_adapter.page_names(demo) == {"", "second"}
    before = len(gradio_adapter.events(demo))
    assert before
    with holds("Blocks.current_page"):
        gradio_adapter.add_to_every_page(demo, lambda: gr.Markdown("on top", elem_id="top"))
        assert cast("Any", demo).current_page == "second"
    with holds("Component.load_event_to_attach"):
        assert len(gradio_adapter.events(demo)) == before
    with browse(application.create_app(demo, make_settings())) as client:
        for page in ("/", "/second"):
            html = client.get(page, headers={"accept": "text/html"}).text
            assert html.count('"elem_id":"top"') == 1, page


def test_files_are_held_against_the_list_only_with_the_mark(make_app: MakeApp) -> None:
    app = make_app()
    demo = app.state.demo
    with holds("Blocks.has_launched"):
        assert demo.has_launched
    demo.has_launched = False
    with AppTest(app) as test:
        assert test.call("read", {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}})


def test_the_icon_of_the_tab_is_an_attribute(make_app: MakeApp, tmp_path: Path) -> None:
    icon = tmp_path / "icon.svg"
    icon.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    app = make_app()
    gradio_adapter.set_icon(app.state.demo, icon)
    with holds("Blocks.favicon_path"), browse(app) as client:
        assert client.get("/favicon.ico").text == icon.read_text()


def test_validators_see_the_session_of_the_event(make_settings: MakeSettings) -> None:
    seen: list[int] = []

    def check(_: str, count: int) -> list[dict[str, Any]]:
        seen.append(count)
        return [gr.validate(is_valid=True, message=""), gr.validate(is_valid=True, message="")]

    with gr.Blocks(analytics_enabled=False) as demo:
        count, text = gr.State(0), gr.Textbox()
        text.submit(lambda _, n: n + 1, [text, count], count, validator=check, api_name="count")
    settings = make_settings()
    demo.queue(**queue_options(settings))
    with holds("Blocks.app"), AppTest(application.create_app(demo, settings)) as test:
        for _ in range(3):
            test.call("count", "x")
        assert seen == [0, 1, 2]


def test_the_queue_and_the_sessions_can_be_looked_at(make_settings: MakeSettings, serve: Serve) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(text: str) -> str:
        started.set()
        assert go_on.wait(30)
        return text

    with gr.Blocks(analytics_enabled=False) as demo:
        text = gr.Textbox()
        text.submit(slow, text, text, api_name="slow", concurrency_limit=1)
    settings = make_settings()
    demo.queue(**queue_options(settings))
    app = application.create_app(demo, settings)
    with holds("Blocks._queue or App.state_holder"), serve(app) as url:
        try:
            jobs = [client.submit("x", api_name="/slow") for client in (connect(url), connect(url))]
            assert started.wait(30)
            while gradio_adapter.waiting(demo) == 0:
                assert not any(job.done() for job in jobs)
            inside = gradio_adapter.look_inside(demo, timedelta(hours=1))
        finally:
            go_on.set()
        assert [job.result(timeout=30) for job in jobs] == ["x", "x"]
    assert "slow" in inside.known
    assert (inside.waiting["slow"], inside.running["slow"]) == (1, 1)
    assert inside.sessions == 2
    assert gradio_adapter.look_inside(demo, timedelta(0)).sessions == 0


def connect(url: str) -> Any:  # noqa: ANN401
    """Connect one visitor."""
    from gradio_client import Client  # noqa: PLC0415 (it imports half of Hugging Face's hub)

    return Client(url, verbose=False, headers=headers())


def test_the_request_of_an_event_is_known_where_it_runs(make_settings: MakeSettings) -> None:
    def whose() -> str:
        return str(gradio_adapter.request_of_event().session_hash)

    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Button().click(whose, None, gr.Textbox(), api_name="whose")
    settings = make_settings()
    demo.queue(**queue_options(settings))
    assert gradio_adapter.request_of_event() is None
    with holds("gradio.context.LocalContext"), AppTest(application.create_app(demo, settings)) as test:
        assert test.call("whose") == [test.session]


def test_a_chat_is_made_of_known_parts() -> None:
    def answer(message: str, _: list[Any]) -> str:
        return message

    with holds("ChatInterface"):
        chat = gr.ChatInterface(answer, save_history=True, analytics_enabled=False, api_name="chat")
        assert gradio_chat.chat_handler(chat) is answer
        found = gradio_adapter.events(chat).values()
        assert any(gradio_chat.runs(event, answer) for event in found)
        assert not all(gradio_chat.runs(event, answer) for event in found)
        wrapped: list[Any] = []

        def wrap(save: Callable[..., Any]) -> Callable[..., Any]:
            wrapped.append(save)
            return save

        gradio_chat.keep_conversations(chat, "conversations", wrap)
        assert wrapped
        gradio_chat.free_after_failure(chat)
        refused, *_, added = [event for event in gradio_adapter.events(chat).values() if event.trigger_only_on_failure]
        assert refused.fn().interactive
        assert gradio_chat.runs(gradio_adapter.events(chat)[added.trigger_after], answer)
        before: list[Any] = [{"role": "user"}, {"role": "assistant"}]
        box, kept = added.fn("My question", [*before, {"role": "user"}], before)
        assert (box.value, box.interactive, box.stop_btn, kept) == ("My question", True, False, before)
        box, kept = added.fn("My question", before, before[:1])
        assert (box.interactive, kept) == (True, gr.skip())
        gradio_chat.free_after_failure(chat, shows_failures=True)
        *_, added = gradio_adapter.events(chat).values()
        assert added.fn("My question", before, before[:1]) == (gr.skip(), gr.skip())
        assert cast("Any", chat).saved_conversations.storage_key == "conversations"


def test_a_chat_opens_again_what_was_open_and_folds_its_list() -> None:
    with holds("ChatInterface.conversation_id"):
        chat = cast("Any", gr.ChatInterface(lambda text, _: text, save_history=True, analytics_enabled=False))
        gradio_chat.reopen_conversation(chat, "conversation")
        gradio_chat.fold_conversations(chat, "Conversations")
        [reopen] = [each.fn for each in gradio_adapter.events(chat).values() if ".reopen at" in str(each.fn)]
        saved: list[Any] = [[{"role": "user", "content": "Hi"}], []]
        assert reopen([0], saved)[0] == 0
        for nothing in (reopen([None], saved), reopen([2], saved), reopen([0], None)):
            assert nothing == (gr.skip(), gr.skip())
        [note, *_] = [each.fn for each in gradio_adapter.events(chat).values() if ".note at" in str(each.fn)]
        [keep] = [each.fn for each in gradio_adapter.events(chat).values() if ".keep at" in str(each.fn)]
        assert (note(2), keep(saved)) == ([2], saved)
        fold = chat.chat_history_dataset.parent
        assert (fold.elem_id, fold.label, fold.open) == ("conversations", "Conversations", True)
        assert fold in fold.parent.children
        assert chat.chat_history_dataset not in fold.parent.children
        assert fold not in chat.children


def test_the_box_of_a_chat_keeps_its_placeholder() -> None:
    with holds("ChatInterface._clear_and_save_textbox"):
        chat = gr.ChatInterface(lambda text, _: text, multimodal=True, analytics_enabled=False)
        gradio_chat.keep_placeholder(chat)
        found = [event.fn for event in gradio_adapter.events(chat).values() if hasattr(event.fn, "__wrapped__")]
        [clear] = [function for function in found if function.__name__ == "_clear_and_save_textbox"]
        box, message = clear({"text": "Hi", "files": []})
        assert (box.value, box.interactive, message) == ({"text": "", "files": []}, False, {"text": "Hi", "files": []})
        assert "placeholder" not in box.constructor_args


def test_the_config_of_a_page_and_what_is_rendered_later(make_app: MakeApp) -> None:
    demo = make_app().state.demo
    with holds("Blocks.config"):
        config = gradio_adapter.config_of(demo)
        assert {part["type"] for part in config["components"]} >= {"file", "textbox"}
        assert {"id", "props"} <= config["components"][0].keys()
        assert {event["api_name"] for event in config["dependencies"]} >= {"fetch", "read", "hidden"}
        assert {"js", "head", "css", "stylesheets"} <= config.keys()
    with holds("Blocks.renderables"):
        assert not gradio_adapter.renders_later(demo)
        with gr.Blocks(analytics_enabled=False) as later:
            gr.render()(str)
        assert gradio_adapter.renders_later(later)


def test_names_and_the_end_of_the_queue(make_app: MakeApp) -> None:
    demo = make_app().state.demo
    with holds("BlockFunction.api_name"):
        assert gradio_adapter.named_private_events(demo) == ["hidden"]
    with holds("Queue.max_size"):
        assert gradio_adapter.has_bounded_queue(demo)
        assert not gradio_adapter.has_bounded_queue(gr.Blocks(analytics_enabled=False))


def test_what_a_page_was_built_with_for_its_look(make_app: MakeApp) -> None:
    given: dict[str, Any] = dict.fromkeys(gradio_adapter.LOOKS, "x")
    with holds("Blocks._deprecated_css"):
        with pytest.warns(UserWarning, match="moved from the Blocks constructor"):
            demo = gr.Blocks(analytics_enabled=False, **given)
        assert gradio_adapter.looks_of(demo) == given
        assert gradio_adapter.looks_of(make_app().state.demo) == {}
    with holds("Blocks.auth"):
        assert not gradio_adapter.has_auth(demo)
        demo.auth = [("ada", "secret")]
        assert gradio_adapter.has_auth(demo)


def test_bounds_are_set_on_what_gradio_has(make_app: MakeApp) -> None:
    with gr.Blocks(analytics_enabled=False) as other:
        editor = gr.ImageEditor()
    demo = make_app().state.demo
    with holds("Queue.push"):
        assert type(demo._queue).__name__ == "BoundQueue"  # noqa: SLF001
    with holds("StateHolder.update"):
        assert type(demo.app.state_holder).__name__ == "BoundHolder"
    with holds("ImageEditor.blob_storage"):
        assert gradio_adapter.pictures_of_editors(other) == {str(editor._id): {}}  # noqa: SLF001
    with holds("processing_utils.AudioSegment"):
        assert importlib.import_module("gradio.processing_utils").AudioSegment.__name__ == "Bounded"
    with holds("Block.keep_in_cache"):
        assert gradio_adapter.files_of_page(demo) == set()
        assert hasattr(editor, "keep_in_cache")


def test_the_process_was_prepared_before_gradio_was_imported() -> None:
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert any(isinstance(finder, server.PatchGradio) for finder in sys.meta_path)
