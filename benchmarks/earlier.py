"""Figures 20: today's template against release 0.2.0, both rendered and served side by side in one run."""

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from copier import run_copy

from benchmarks import ROOT
from benchmarks.figures import Figure, main, middle, ratios
from benchmarks.load import Load, load
from benchmarks.servers import Server, generated, render, render_for_load, running
from benchmarks.start import seconds_until_page
from scripts.history import git, releases

MODULE = "benchmarks.earlier"
VERSION = "0.2.0"
USERS, REQUESTS, TURNS = 50, 300, 6


def released(folder: Path, **answers: str) -> Path:
    """Render a project of the release, trust-free as ever."""
    run_copy(str(ROOT), folder, data=answers, defaults=True, vcs_ref=releases()[VERSION], quiet=True)
    return folder


def released_for_load(folder: Path, **answers: str) -> Path:
    """As `render_for_load`, with the page that the release itself was measured with."""
    project = released(folder, app_type="interface", **answers)
    for name, path in (("work.py", "services/model.py"), ("project_app.py", "bench_app.py")):
        text = git("show", f"{releases()[VERSION]}:benchmarks/apps/{name}")
        (project / path).write_text(text, encoding="utf-8")
    return project


def figures(rounds: int) -> list[Figure]:
    """Measure."""
    ours: list[Load] = []
    theirs: list[Load] = []
    ours_start: list[float] = []
    theirs_start: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        new, old = render_for_load(base / "new"), released_for_load(base / "old")
        for _ in range(rounds):
            with ExitStack() as stack:
                servers = [
                    stack.enter_context(running(generated(each, "bench_app.py", "predict"))) for each in (new, old)
                ]
                for server in servers:
                    load(server, users=USERS, requests=4 * USERS)
                for turn in range(TURNS):
                    measure(servers, (ours, theirs), turn)
        pages = [
            replace(generated(each, "app.py"), ready="/") for each in (render(base / "app"), released(base / "before"))
        ]
        for page in pages:
            seconds_until_page(page)
        for _ in range(rounds):
            ours_start.append(seconds_until_page(pages[0]))
            theirs_start.append(seconds_until_page(pages[1]))
    cpu, old_cpu = [1000 * one.cpu for one in ours], [1000 * one.cpu for one in theirs]
    rates, old_rates = [one.rate for one in ours], [one.rate for one in theirs]
    return [
        Figure(
            "20a",
            f"the server's CPU for a no-op event, {USERS} at once, against {VERSION}",
            at_least=None,
            at_most=0.65,
            rounds=ratios(cpu, old_cpu),
            module=MODULE,
            detail=f"{middle(cpu)} ms, {VERSION} {middle(old_cpu)} ms",
        ),
        Figure(
            "20b",
            f"no-op event, {USERS} at once: requests per second, against {VERSION}",
            at_least=1,
            at_most=None,
            rounds=ratios(rates, old_rates),
            module=MODULE,
            detail=f"{middle(rates)} requests/s, {VERSION} {middle(old_rates)}",
        ),
        Figure(
            "20c",
            f"from `python app.py` to the first 200 on `/`, against {VERSION}",
            at_least=None,
            at_most=1,
            rounds=ratios(ours_start, theirs_start),
            module=MODULE,
            detail=f"{middle(ours_start)} s, {VERSION} {middle(theirs_start)} s",
        ),
    ]


def measure(servers: list[Server], found: tuple[list[Load], list[Load]], turn: int) -> None:
    """Ask both servers, in an order that changes with each turn."""
    order = (0, 1) if turn % 2 else (1, 0)
    for which in order:
        found[which].append(load(servers[which], users=USERS, requests=REQUESTS))


if __name__ == "__main__":
    main(figures, __doc__)
