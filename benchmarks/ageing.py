"""Figure 7: a server that has seen 10,000 events, against one that has just started."""

import tempfile
from pathlib import Path

from benchmarks.figures import Figure, main, middle, ratios
from benchmarks.load import load
from benchmarks.servers import generated, render_for_load, running

USERS = 50
EVENTS = 10_000


def figures(rounds: int) -> list[Figure]:
    """Measure. All the events are really sent."""
    fresh: list[float] = []
    aged: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        project = render_for_load(Path(scratch) / "project")
        app = generated(project, "bench_app.py", "predict")
        with running(app) as old:
            load(old, users=USERS, requests=EVENTS)
            for _ in range(rounds):
                with running(app) as new:
                    load(new, users=USERS, requests=USERS)
                    fresh.append(load(new, users=USERS, requests=600).rate)
                load(old, users=USERS, requests=USERS)
                aged.append(load(old, users=USERS, requests=600).rate)
    return [
        Figure(
            "7",
            "no-op event, 50 at once, after 10,000 events: requests per second, against a fresh server",
            at_least=0.9,
            at_most=None,
            rounds=ratios(aged, fresh),
            module="benchmarks.ageing",
            detail=f"{middle(aged)} requests/s, fresh {middle(fresh)}",
        )
    ]


if __name__ == "__main__":
    main(figures, __doc__)
