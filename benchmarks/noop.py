"""Figures 1 and 2: an event that does nothing, 50 and 200 users at once.

The naive app grows slower with every event that it has seen, so the ratio depends on how many are sent. Figure 1 is
told three times: over as many requests to both apps, over only the first ones of a new naive server, which are its
best, and once both have answered as many as a server does in its first hours.
"""

import tempfile
from pathlib import Path

from benchmarks.figures import Figure, main, middle, p95, ratios
from benchmarks.load import Load, load
from benchmarks.servers import Server, generated, naive, render_for_load, running

MODULE = "benchmarks.noop"
FIRST, REQUESTS, BEFORE = 300, 1000, 3000
REQUESTS_OF_MANY = 800


def figures(rounds: int) -> list[Figure]:
    """Measure. Servers are new for each pair."""
    first: list[float] = []
    plain: list[float] = []
    plain_later: list[float] = []
    ours: list[float] = []
    ours_later: list[float] = []
    plain_many: list[Load] = []
    ours_many: list[Load] = []
    with tempfile.TemporaryDirectory() as scratch:
        project = render_for_load(Path(scratch) / "project")
        # The default queue holds 64 and turns the others away, which 200 users would count as failures.
        app = generated(project, "bench_app.py", "predict", APP_QUEUE_SIZE="256")
        for _ in range(rounds):
            with running(naive("predict")) as server:
                start = warm(server, 50, FIRST).rate
                rest = load(server, users=50, requests=REQUESTS - FIRST).rate
                first.append(start)
                plain.append(REQUESTS / (FIRST / start + (REQUESTS - FIRST) / rest))
                plain_later.append(later(server))
            with running(app) as server:
                ours.append(warm(server, 50, REQUESTS).rate)
                ours_later.append(later(server))
            with running(naive("predict")) as server:
                plain_many.append(warm(server, 200, REQUESTS_OF_MANY))
            with running(app) as server:
                ours_many.append(warm(server, 200, REQUESTS_OF_MANY))
    return [
        faster("1a", f"50 at once, {REQUESTS} requests to each", 5, ours, plain),
        faster("1b", f"50 at once, only the first {FIRST} that a new naive server answers", 3, ours, first),
        faster("1c", f"50 at once, both servers after {BEFORE} events", 5, ours_later, plain_later),
        faster("2a", "200 at once", 5, [one.rate for one in ours_many], [one.rate for one in plain_many]),
        sooner([p95(one.latencies) for one in ours_many], [p95(one.latencies) for one in plain_many]),
    ]


def warm(server: Server, users: int, requests: int) -> Load:
    """Let each user ask once, then measure."""
    load(server, users=users, requests=users)
    return load(server, users=users, requests=requests)


def later(server: Server) -> float:
    """Let a server that has answered `REQUESTS` answer more, then measure its rate."""
    load(server, users=50, requests=BEFORE - REQUESTS)
    return load(server, users=50, requests=FIRST).rate


def faster(key: str, what: str, target: float, ours: list[float], plain: list[float]) -> Figure:
    """Compare requests per second."""
    return Figure(
        key,
        f"no-op event, {what}: requests per second, against naive",
        at_least=target,
        at_most=None,
        rounds=ratios(ours, plain),
        module=MODULE,
        detail=f"{middle(ours)} requests/s, naive {middle(plain)}",
    )


def sooner(ours: list[float], plain: list[float]) -> Figure:
    """Compare the 95th percentiles of 200 users, in seconds."""
    return Figure(
        "2b",
        "no-op event, 200 at once: 95th percentile, against naive",
        at_least=None,
        at_most=0.2,
        rounds=ratios(ours, plain),
        module=MODULE,
        detail=f"{middle(ours)} s, naive {middle(plain)} s",
    )


if __name__ == "__main__":
    main(figures, __doc__)
