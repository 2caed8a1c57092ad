"""Figure 5: work for the processor (about 100 ms of Python), 10 users, and how fast the server still answers others."""

import tempfile
from pathlib import Path

from benchmarks.figures import Figure, main, middle, p95, ratios
from benchmarks.load import Load, load
from benchmarks.servers import generated, naive, render_for_load, running

USERS = 10
MODULE = "benchmarks.cpu"


def figures(rounds: int) -> list[Figure]:
    """Measure."""
    plain: list[Load] = []
    ours: list[Load] = []
    with tempfile.TemporaryDirectory() as scratch:
        project = render_for_load(Path(scratch) / "project")
        for _ in range(rounds):
            with running(naive("count")) as server:
                plain.append(load(server, "--probe", "/theme.css", users=USERS, requests=100))
            with running(generated(project, "bench_app.py", "count")) as server:
                load(server, users=USERS, requests=USERS)
                ours.append(load(server, "--probe", "/healthz", users=USERS, requests=200))
    rates, plain_rates = [one.rate for one in ours], [one.rate for one in plain]
    probes, plain_probes = [1000 * p95(one.probes) for one in ours], [1000 * p95(one.probes) for one in plain]
    return [
        Figure(
            "5a",
            "CPU-bound function, 10 users: answers per second, against naive",
            at_least=1.5,
            at_most=None,
            rounds=ratios(rates, plain_rates),
            module=MODULE,
            detail=f"{middle(rates)} answers/s, naive {middle(plain_rates)}",
        ),
        Figure(
            "5b",
            "under that load: `/healthz`, 95th percentile, against naive's `/theme.css`",
            at_least=None,
            at_most=1,
            rounds=ratios(probes, plain_probes),
            module=MODULE,
            detail=f"{middle(probes)} ms, naive {middle(plain_probes)} ms",
        ),
    ]


if __name__ == "__main__":
    main(figures, __doc__)
