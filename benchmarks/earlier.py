"""Figures 20: today's template against release 0.2.0, both rendered and served side by side in one run."""

import os
import shutil
import signal
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from copier import run_copy

from benchmarks import ROOT
from benchmarks.figures import Figure, main, middle, p95, ratios
from benchmarks.load import Load, load
from benchmarks.servers import APPS, Server, generated, render, render_for_load, running
from benchmarks.start import seconds_until_page
from scripts.history import git, releases

MODULE = "benchmarks.earlier"
VERSION = "0.2.0"
USERS, REQUESTS, TURNS = 50, 300, 6
MANY, REQUESTS_OF_MANY = 200, 800
READERS, STREAMS = 20, 200
REACH = {"20a": 0.65}
"""Where more is promised than to be no worse."""


def released(folder: Path, **answers: str) -> Path:
    """Render a project of the release, trust-free as ever."""
    run_copy(str(ROOT), folder, data=answers, defaults=True, vcs_ref=releases()[VERSION], quiet=True)
    return folder


def released_for_load(folder: Path, **answers: str) -> Path:
    """As `render_for_load`, with the page that the release itself was measured with."""
    project = released(folder, app_type="interface", **answers)
    return with_files(project, {"services/model.py": "work.py", "bench_app.py": "project_app.py"})


def released_for_streams(folder: Path) -> Path:
    """Render the streaming project of the release with the model that the release itself was measured with."""
    project = released(folder, app_type="streaming")
    return with_files(project, {"services/work.py": "work.py", "services/model.py": "stream_model.py"})


def with_files(project: Path, files: dict[str, str]) -> Path:
    """Put files of the release's own benchmarks into a project: from the path there to the name here."""
    for path, name in files.items():
        text = git("show", f"{releases()[VERSION]}:benchmarks/apps/{name}")
        (project / path).write_text(text, encoding="utf-8")
    return project


def figures(rounds: int) -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        new, old = render_for_load(base / "new"), released_for_load(base / "old")
        streaming = render(base / "streams", app_type="streaming")
        shutil.copy(APPS / "work.py", streaming / "services" / "work.py")
        shutil.copy(APPS / "stream_model.py", streaming / "services" / "model.py")
        return [
            *events(new, old, rounds),
            *starts(render(base / "app"), released(base / "before"), rounds),
            *crowds(new, old, rounds),
            *streams(streaming, released_for_streams(base / "old-streams"), rounds),
            gate(new, old, rounds),
        ]


def events(new: Path, old: Path, rounds: int) -> list[Figure]:
    """Let 50 users call an event that does nothing."""
    ours: list[Load] = []
    theirs: list[Load] = []
    for _ in range(rounds):
        with ExitStack() as stack:
            servers = [stack.enter_context(running(generated(each, "bench_app.py", "predict"))) for each in (new, old)]
            for server in servers:
                load(server, users=USERS, requests=4 * USERS)
            for turn in range(TURNS):
                measure(servers, (ours, theirs), turn, users=USERS, requests=REQUESTS)
    cpu, old_cpu = [1000 * one.cpu for one in ours], [1000 * one.cpu for one in theirs]
    return [
        lower("20a", f"the server's CPU for a no-op event, {USERS} at once, against {VERSION}", "ms", cpu, old_cpu),
        higher("20b", f"no-op event, {USERS} at once: requests per second, against {VERSION}", ours, theirs),
    ]


def starts(new: Path, old: Path, rounds: int) -> list[Figure]:
    """Start each app until its page answers."""
    ours: list[float] = []
    theirs: list[float] = []
    pages = [replace(generated(each, "app.py"), ready="/") for each in (new, old)]
    for page in pages:
        seconds_until_page(page)
    for _ in range(rounds):
        ours.append(seconds_until_page(pages[0]))
        theirs.append(seconds_until_page(pages[1]))
    return [lower("20c", f"from `python app.py` to the first 200 on `/`, against {VERSION}", "s", ours, theirs)]


def crowds(new: Path, old: Path, rounds: int) -> list[Figure]:
    """Let 200 users arrive at once. The default queue holds 64 and turns the others away."""
    ours: list[Load] = []
    theirs: list[Load] = []
    for _ in range(rounds):
        with ExitStack() as stack:
            commands = [generated(each, "bench_app.py", "predict", APP_QUEUE_SIZE="256") for each in (new, old)]
            servers = [stack.enter_context(running(command)) for command in commands]
            for server in servers:
                load(server, users=MANY, requests=MANY)
            for turn in range(2):
                measure(servers, (ours, theirs), turn, users=MANY, requests=REQUESTS_OF_MANY)
    late, old_late = [p95(one.latencies) for one in ours], [p95(one.latencies) for one in theirs]
    return [
        higher("20d", f"no-op event, {MANY} at once: requests per second, against {VERSION}", ours, theirs),
        lower("20e", f"the same: 95th percentile, against {VERSION}", "s", late, old_late),
    ]


def streams(new: Path, old: Path, rounds: int) -> list[Figure]:
    """Let 20 readers read 50 tokens, 10 ms apart."""
    ours: list[Load] = []
    theirs: list[Load] = []
    options = ["--event", "stream", "--inputs", '["x", 100, null]']
    for _ in range(rounds):
        with ExitStack() as stack:
            servers = [stack.enter_context(running(generated(each, "app.py"))) for each in (new, old)]
            for server in servers:
                load(server, *options, users=READERS, requests=READERS)
            for turn in range(2):
                measure(servers, (ours, theirs), turn, *options, users=READERS, requests=STREAMS)
    first, old_first = [p95(one.first_chunks) for one in ours], [p95(one.first_chunks) for one in theirs]
    return [
        higher("20f", f"{READERS} streams at once: streams per second, against {VERSION}", ours, theirs),
        lower("20g", f"the same: first chunk, 95th percentile, against {VERSION}", "s", first, old_first),
    ]


def gate(new: Path, old: Path, rounds: int) -> Figure:
    """Take out the gate of both, which 0.2.0 can only at its start, and compare what it costs an event."""
    share: list[float] = []
    old_share: list[float] = []
    for _ in range(rounds):
        with ExitStack() as stack:
            ours = stack.enter_context(running(generated(new, "bench_app.py", "predict", "gate")))
            whole = stack.enter_context(running(generated(old, "bench_app.py", "predict")))
            bare = stack.enter_context(running(generated(old, "bench_app.py", "predict", "no-gate")))
            spent = {"whole": 0.0, "bare": 0.0, "ours": 0.0, "ours without": 0.0}
            for server in (ours, whole, bare):
                load(server, users=USERS, requests=4 * USERS)
            for _ in range(TURNS):
                for name, server in {"ours": ours, "whole": whole, "bare": bare, "ours without": ours}.items():
                    spent[name] += 1000 * load(server, users=USERS, requests=REQUESTS).cpu / TURNS
                    if server is ours:
                        os.kill(ours.pid, signal.SIGUSR1)
        share.append(spent["ours"] / spent["ours without"])
        old_share.append(spent["whole"] / spent["bare"])
    text = f"a no-op event with the gate, in processor time without it, against {VERSION}"
    return lower("20h", text, "times", share, old_share)


def higher(key: str, what: str, ours: list[Load], theirs: list[Load]) -> Figure:
    """Compare rates."""
    rates, old_rates = [one.rate for one in ours], [one.rate for one in theirs]
    return Figure(
        key,
        what,
        at_least=1,
        at_most=None,
        rounds=ratios(rates, old_rates),
        module=MODULE,
        detail=f"{middle(rates)} a second, {VERSION} {middle(old_rates)}",
    )


def lower(key: str, what: str, unit: str, ours: list[float], theirs: list[float]) -> Figure:
    """Compare what should be small."""
    return Figure(
        key,
        what,
        at_least=None,
        at_most=REACH.get(key, 1),
        rounds=ratios(ours, theirs),
        module=MODULE,
        detail=f"{middle(ours)} {unit}, {VERSION} {middle(theirs)}",
    )


def measure(
    servers: list[Server], found: tuple[list[Load], list[Load]], turn: int, *options: str, users: int, requests: int
) -> None:
    """Ask both servers, in an order that changes with each turn."""
    order = (0, 1) if turn % 2 else (1, 0)
    for which in order:
        found[which].append(load(servers[which], *options, users=users, requests=requests))


if __name__ == "__main__":
    main(figures, __doc__)
