"""Run a script of a rendered project with only some of what makes serving cheaper, to see what each saves.

It is copied into the project to run there: `python with_tricks.py wake_queue,httptools app.py`. What is left out is
done in the way of Gradio, uvicorn or Python.
"""

import sys

kept, script, *arguments = sys.argv[1].split(","), *sys.argv[2:]

import server  # noqa: E402  (it prepares the process for Gradio)

# isort: split
from server import gradio_speed  # noqa: E402


def leave_out_at_start() -> None:
    """Leave out what changes how Gradio is imported."""
    for name, module in {"skip_stubs": "gradio.component_meta", "build_apps_late": "gradio.blocks"}.items():
        if name not in kept:
            server.PATCHES[module] = server.leave_alone
    if "import_at_rest" not in kept:
        plain = server.SourceFileLoader.exec_module

        def exec_module(loader: server.PatchingLoader, module: server.ModuleType) -> None:
            plain(loader, module)
            server.PATCHES[module.__name__](module)

        server.PatchingLoader.exec_module = exec_module


def leave_out() -> None:
    """Leave out what changes how Gradio serves."""
    from server import application, running  # noqa: PLC0415 (this imports Gradio)

    gradio_speed.TRICKS = tuple(trick for trick in gradio_speed.TRICKS if trick.__name__ in kept)
    if "Straight" not in kept:
        application.Straight = lambda app, demo: app  # noqa: ARG005 (the names that it has)
    if "settle_memory" not in kept:
        running.settle_memory = lambda: None
    if "httptools" not in kept:
        running.bounded = lambda _: "h11"


if __name__ == "__main__":
    leave_out_at_start()
    leave_out()
    sys.argv = [script, *arguments]
    import runpy

    runpy.run_path(script, run_name="__main__")
