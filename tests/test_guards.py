"""Each guard of a project is held by a test: without the guard, that test fails."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import render, run

GUARDS = {
    "list of open paths": (
        "utils/gate.py",
        'return PlainTextResponse("Not found", 404)',
        "pass",
        "gate",
        "visitors_do_not_need",
    ),
    "host names": ("utils/gate.py", "if not self.knows_host(host):", "if False:", "gate", "unknown_host"),
    "forwarded headers": (
        "utils/gate.py",
        'if not pair[0].startswith((b"x-forwarded-", b"forwarded"))',
        "if pair",
        "gate",
        "forwarded",
    ),
    "cross-site": ("utils/gate.py", "return site not in", "return None in", "gate", "other_sites_cannot_change"),
    "origin": ("utils/gate.py", "urlsplit(origin).netloc != host", "False", "gate", "other_sites_cannot_change"),
    "websockets": (
        "utils/gate.py",
        'await send({"type": "websocket.close", "code": 1008})',
        'await send({"type": "websocket.accept"})',
        "gate",
        "websockets",
    ),
    "body without a length": ("utils/gate.py", "if len(body) > limit:", "if False:", "gate", "large"),
    "upload without a length": ("utils/gate.py", "if received <= limit or refused:", "if True:", "gate", "large"),
    "security headers": (
        "utils/gate.py",
        "given + [pair for pair in ours if pair[0] not in names]",
        "given",
        "gate",
        "security_headers",
    ),
    "private events": ("utils/gate.py", 'if fn.api_visibility != "private"', "", "gate", "unknown_and_private"),
    "way past the queue": ("utils/events.py", '"api_open": False', '"api_open": True', "gate", "past_the_queue"),
    "cors": (
        "utils/server.py",
        "app.add_middleware(CORSMiddleware",
        "(lambda *_, **__: None)(CORSMiddleware",
        "gate",
        "read_answers",
    ),
    "files of the server": ("utils/server.py", "demo.has_launched = True", "pass", "gate", "neither_taken"),
    "files of the project": (
        "utils/server.py",
        "blocked_paths=[str(PROJECT_DIR)]",
        "blocked_paths=[]",
        "gate",
        "neither_taken",
    ),
    "size of a file": ("utils/server.py", "max_file_size=settings.max_upload_mb * MB,", "", "gate", "over_the_limit"),
    "bind": (
        "utils/settings.py",
        "if not (self.public or is_loopback(self.host)):",
        "if False:",
        "settings",
        "on_purpose",
    ),
    "workers": ("utils/settings.py", "if self.web_concurrency > 1:", "if False:", "settings", "more_workers"),
    "hidden values": (
        "utils/settings.py",
        'lines.append(f"{variable}: {message}.',
        'lines.append(f"{item}.',
        "settings",
        "not_repeated",
    ),
    "busy port": ("utils/server.py", "raise SystemExit(reason) from None", "return bind(settings)", "server", "busy"),
    "drain": (
        "utils/server.py",
        "return now - self.idle_since >= HOP_SECONDS or now >= self.deadline",
        "return True",
        "server",
        "come_to_its_end",
    ),
    "no new work": ("utils/gate.py", "if self.work.stopping and", "if False and", "server", "come_to_its_end"),
    "tabs": ("utils/server.py", "self.work.release_tabs.set()", "pass", "server", "tab_open"),
    "hidden errors": ("utils/errors.py", "Something went wrong on our side.", "{error}", "plumbing", "hidden"),
    "closed streams": (
        "utils/errors.py",
        "async with aclosing(handler(*args, **kwargs)) as stream:",
        "if stream := handler(*args, **kwargs):",
        "plumbing",
        "stopped",
    ),
    "stub writing": ("utils/__init__.py", "setattr(module, _STUB_WRITER, _write_nothing)", "pass", "plumbing", "stubs"),
    "batch": ("app.py", "return None\n", "raise\n", "events", "bad_drawing_in_a_batch"),
    "validation": (
        "app.py",
        "        raise problem\n",
        "        pass\n",
        "events",
        "nothing_drawn",
    ),
    "errors of the validator": ("app.py", "@boundary  # Gradio", "# Gradio", "events", "validator_hides"),
    "public events": ("app.py", 'api_name="predict"', 'api_name="other"', "events", "listed_events"),
    "bounded queue": ("utils/events.py", '"max_size": settings.queue_size', '"max_size": 99', "queue", "full_queue"),
}


@pytest.fixture(scope="module")
def intact(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render the project whose guards are taken away one by one."""
    return render(template, tmp_path_factory.mktemp("guards") / "app", {"app_type": "interface"})


@pytest.mark.slow
@pytest.mark.parametrize("guard", GUARDS)
def test_without_its_guard_the_test_fails(guard: str, intact: Path, tmp_path: Path) -> None:
    file, code, replacement, test, name = GUARDS[guard]
    project = tmp_path / "app"
    shutil.copytree(intact, project)
    path = project / file
    text = path.read_text(encoding="utf-8")
    assert text.count(code) >= 1, f"the guard {guard!r} is not in {file} any more"
    path.write_text(text.replace(code, replacement), encoding="utf-8")
    tests = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"tests/test_{test}.py", "-k", name]
    # Without a guard a test may also wait for ever, which is no success either.
    result = run("timeout", "100", *tests, cwd=project, check=False)
    assert result.returncode in {1, 124}, f"without {guard!r} the tests still say:\n{result.stdout[-3000:]}"
