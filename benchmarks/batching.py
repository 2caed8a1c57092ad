"""Figure 6: a model that takes batches on one accelerator, 50 users at once."""

import tempfile
from pathlib import Path

from benchmarks.figures import Figure, main, middle, ratios
from benchmarks.load import Load, load
from benchmarks.servers import generated, naive, render_for_load, running

USERS = 50
ONE_DEVICE = {"APP_MODEL_WORKERS": "0", "APP_MODEL_CONCURRENCY": "1"}
"""The settings that the project documents for an accelerator."""


def figures(rounds: int) -> list[Figure]:
    """Measure."""
    plain: list[Load] = []
    ours: list[Load] = []
    with tempfile.TemporaryDirectory() as scratch:
        project = render_for_load(Path(scratch) / "project")
        for _ in range(rounds):
            with running(naive("device")) as server:
                plain.append(load(server, users=USERS, requests=150))
            with running(generated(project, "bench_app.py", "device", **ONE_DEVICE)) as server:
                load(server, users=USERS, requests=100)
                ours.append(load(server, users=USERS, requests=1000))
    rates, plain_rates = [one.rate for one in ours], [one.rate for one in plain]
    return [
        Figure(
            "6",
            "batchable model (100 ms + 2 ms a sample), 50 at once: answers per second, against naive",
            at_least=8,
            at_most=None,
            rounds=ratios(rates, plain_rates),
            module="benchmarks.batching",
            detail=f"{middle(rates)} answers/s, naive {middle(plain_rates)}",
        )
    ]


if __name__ == "__main__":
    main(figures, __doc__)
