"""Serves pages on command: `python serve.py plain|project`, in the folder that is served from.

It reads a line of JSON for each command from standard input, `{"open": name, ...}` or `{"close": name}`, and answers
with one. One process serves all pages, one after the other, on one port, so that the browser keeps their scripts.
"""

import json
import logging
import os
import socket
import sys
import threading
import traceback
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[0] = os.getcwd()  # noqa: PTH109
sys.path.append(str(HERE.parent))
PORT = int(os.environ["CONFORMANCE_PORT"])
ROOT_OF_MEDIA = Path(os.environ["CONFORMANCE_MEDIA"])


class Plain:
    """Pages by `launch()`."""

    def __init__(self) -> None:
        """Import what is served."""
        import conformance.pages  # noqa: F401, PLC0415
        from conformance.kit import CASES  # noqa: PLC0415

        self.cases, self.demo = CASES, None

    def open(self, name: str, **_: object) -> dict[str, Any]:
        """Launch a page."""
        case = self.cases[name]
        given = {key: in_media(key, value) for key, value in case.launch.items()}
        self.demo = case.build()
        self.demo.launch(server_port=PORT, prevent_thread_lock=True, ssr_mode=False, **({"quiet": True} | given))
        return {"url": f"http://127.0.0.1:{PORT}"}

    def close(self) -> None:
        """Stop it."""
        if self.demo is not None:
            self.demo.close(verbose=False)


class Project:
    """Pages by `create_app` of a generated project."""

    def __init__(self) -> None:
        """Import the project, which prepares the process, and then the pages."""
        import server  # noqa: F401, PLC0415

        # isort: split
        import conformance.pages  # noqa: F401, PLC0415
        from conformance.kit import CASES  # noqa: PLC0415

        self.cases, self.access, self.served = CASES, ways_in(), None

    def open(self, name: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
        """Make the application of a page and serve it, with these settings; tell what the start says."""
        from server import application, running  # noqa: PLC0415
        from server.page import Page  # noqa: PLC0415
        from server.queueing import queue_options  # noqa: PLC0415
        from server.settings import ServerSettings  # noqa: PLC0415

        case = self.cases[name]
        fields, page = translated(case.launch, Page)
        given = getattr(self.access, "SETTINGS", {})
        settings = ServerSettings(_env_file=None, port=PORT, shutdown_grace=1, **(given | fields | case.here | changes))
        demo = case.build()
        demo.queue(**queue_options(settings))
        app = application.create_app(demo, settings, page=page)
        self.served = running.build_server(app, settings)
        listener = running.bind(settings)
        self.thread = threading.Thread(target=self.served.run, args=([listener],))
        self.thread.start()
        headers = {user: self.access.headers(user) for user in ("ada", "bo")}
        findings = [[each.weight.name, each.text] for each in app.state.life.findings]
        return {"url": f"http://127.0.0.1:{PORT}", "headers": headers, "findings": findings}

    def close(self) -> None:
        """Stop it."""
        if self.served is not None:
            self.served.work.stopping = True
            self.served.work.release_tabs.set()
            self.served.should_exit = self.served.force_exit = True
            self.thread.join(20)


def ways_in() -> ModuleType:
    """Load how the project's own tests come in; by its path, because other things are called `tests` too."""
    spec = spec_from_file_location("ways_in", Path("tests/server/access.py").resolve())
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["ways_in"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def in_media(name: str, value: object) -> object:
    """Make paths of files that the tests have made."""
    if name != "allowed_paths" or not isinstance(value, list):
        return value
    return [str(ROOT_OF_MEDIA / str(each)) for each in value]


def translated(launch: dict[str, Any], page: Any) -> tuple[dict[str, Any], Any]:  # noqa: ANN401
    """Put the arguments of `launch()` where README of a project says that they go."""
    fields: dict[str, Any] = {}
    if "allowed_paths" in launch:
        fields["public_folders"] = in_media("allowed_paths", launch["allowed_paths"])
    if "max_file_size" in launch:
        fields["max_upload_mb"] = launch["max_file_size"] // 1_000_000
    if "root_path" in launch:
        fields["root_path"] = launch["root_path"]
    looks = {name: value for name, value in launch.items() if name in page.__dataclass_fields__}
    return fields, page(**looks)


def free(port: int) -> None:
    """Wait until nobody listens any more."""
    for _ in range(200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                threading.Event().wait(0.05)
            else:
                return


def main() -> None:
    """Read commands until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what pages print goes to the log
    logging.basicConfig(level=logging.INFO)
    side = {"plain": Plain, "project": Project}[sys.argv[1]]()
    answers.write("{}\n")
    answers.flush()
    for line in sys.stdin:
        command = json.loads(line)
        try:
            side.close()
            free(PORT)
            answer = side.open(**command) if command else {}
        except BaseException:  # noqa: BLE001 (whatever it is, the test tells it)
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    side.close()
    os._exit(0)


if __name__ == "__main__":
    main()
