"""Figures 23: what each trick of `server/gradio_speed.py` and its kind saves, alone and together.

Every server of a row runs side by side and takes its turns in an order that goes round: the project without any trick,
with one of them, with all, release 0.2.0, and the naive app.
"""

import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.earlier import VERSION, released, released_for_load
from benchmarks.figures import Figure, main
from benchmarks.load import load
from benchmarks.servers import (
    APPS,
    Command,
    Server,
    cookie,
    generated,
    naive,
    render,
    render_for_load,
    running,
    with_accounts,
)

MODULE = "benchmarks.tricks"
AT_START = ("skip_stubs", "build_apps_late", "import_at_rest")
WHILE_SERVING = (
    *("wake_queue", "skip_empty_summaries", "check_login_at_once", "pass_short_text_on", "see_at_once_who_left"),
    *("wait_without_task", "remember_signatures", "put_hot_routes_first", "Straight", "settle_memory", "httptools"),
)
ALL = ",".join((*AT_START, *WHILE_SERVING))
WARM, TURNS = 100, 2
STREAM = ("--event", "stream", "--inputs", '["x", 100, null]')


@dataclass(frozen=True)
class Kind:
    """One kind of load: its servers by name, and what their visitors do."""

    key: str
    what: str
    servers: Mapping[str, Command]
    users: int
    requests: int
    options: Sequence[str] = ()
    of_naive: Sequence[str] = ()
    """What differs in what they ask the naive app."""
    signed_in: bool = False


def figures(rounds: int) -> list[Figure]:
    """Measure one kind of load after the other."""
    with tempfile.TemporaryDirectory() as scratch:
        return [figure(kind, rounds) for kind in kinds(Path(scratch))]


def kinds(base: Path) -> list[Kind]:
    """Render what is served. Release 0.2.0 and today's project have the same page and model."""
    event = {mode: render_for_load(base / mode, auth_mode=mode) for mode in ("none", "password")}
    event_before = {mode: released_for_load(base / f"{mode}-before", auth_mode=mode) for mode in event}
    stream, stream_before = with_tokens(render(base / "stream", app_type="streaming")), base / "stream-before"
    with_tokens(released(stream_before, app_type="streaming"))
    page = ("bench_app.py", "predict")
    plain = {**commands(event["none"], event_before["none"], *page), "naive": naive("predict")}
    known = {
        name: with_accounts(one)
        for name, one in commands(*(of["password"] for of in (event, event_before)), *page).items()
    }
    streams = {**commands(stream, stream_before, "app.py"), "naive": naive("stream")}
    return [
        Kind("23a", "a no-op event, 50 at once", plain, 50, 150),
        Kind("23b", "a stream of 50 tokens, 20 at once", streams, 20, 40, STREAM, ("--event", "predict")),
        Kind("23c", "an upload of 100 kB, 10 at once", plain, 10, 100, ("--upload",), ("--upload",)),
        Kind("23d", "a no-op event of somebody signed in, 50 at once", known, 50, 150, signed_in=True),
    ]


def with_tokens(project: Path) -> Path:
    """Put the model that streams tokens in the place of the project's own."""
    shutil.copy(APPS / "work.py", project / "services" / "work.py")
    shutil.copy(APPS / "stream_model.py", project / "services" / "model.py")
    return project


def commands(project: Path, before: Path, *script: str) -> dict[str, Command]:
    """Give the servers of a project: without any trick, with each alone, with all, and the release."""
    shutil.copy(APPS / "with_tricks.py", project)
    chosen = {
        "none": ",".join(AT_START),
        **{name: f"{name},{','.join(AT_START)}" for name in WHILE_SERVING},
        "all": ALL,
    }
    ours = {name: generated(project, "with_tricks.py", kept, *script) for name, kept in chosen.items()}
    return {**ours, VERSION: generated(before, *script)}


def figure(kind: Kind, rounds: int) -> Figure:
    """Measure the processor time that a server needs for an answer, and compare with no trick at all."""
    found: dict[str, list[float]] = {name: [] for name in kind.servers}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(running(one)) for name, one in kind.servers.items()}
        cookies = {name: cookie(one) if kind.signed_in else "" for name, one in servers.items()}
        for name, server in servers.items():
            ask(kind, name, server, cookies[name], WARM)
        order = list(servers)
        for _ in range(rounds * TURNS):
            order.append(order.pop(0))
            for name in order:
                found[name].append(1000 * ask(kind, name, servers[name], cookies[name], kind.requests))
    cost = {name: statistics.median(values) for name, values in found.items()}
    alone = ", ".join(f"`{name}` {share(found[name], found['none']):.2f}" for name in WHILE_SERVING)
    others = ", ".join(f"{name} {cost[name]:.3g} ms" for name in ("none", "all", VERSION, "naive") if name in cost)
    return Figure(
        kind.key,
        f"the server's CPU for {kind.what}: all tricks together, against none",
        at_least=None,
        at_most=1,
        rounds=[a / b for a, b in zip(found["all"], found["none"], strict=True)],
        module=MODULE,
        detail=f"{others}; each alone, against none: {alone}",
    )


def share(with_it: Sequence[float], without: Sequence[float]) -> float:
    """Compare turn by turn."""
    return statistics.median(a / b for a, b in zip(with_it, without, strict=True))


def ask(kind: Kind, name: str, server: Server, who: str, requests: int) -> float:
    """Put load on one server and give the processor time of an answer, in seconds."""
    options = ["--cookie", who, *(kind.of_naive if name == "naive" else kind.options)]
    if name == "naive" and kind.options == STREAM:  # It takes one visitor at a time.
        return load(server, *options, users=10, requests=10).cpu
    return load(server, *options, users=kind.users, requests=requests).cpu


if __name__ == "__main__":
    main(figures, __doc__)
