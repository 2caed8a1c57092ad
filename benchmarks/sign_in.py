"""Figure 13b: 50 people sign in at once, and how fast the server still answers others."""

import tempfile
from pathlib import Path

from benchmarks.figures import Figure, main, middle, p95
from benchmarks.load import load
from benchmarks.servers import FORM, generated, render_for_load, running, with_accounts

USERS = 50
REQUESTS = 200


def figures(rounds: int) -> list[Figure]:
    """Measure."""
    probes: list[float] = []
    rates: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        project = render_for_load(Path(scratch) / "project", auth_mode="password")
        command = with_accounts(generated(project, "bench_app.py", "predict"))
        for _ in range(rounds):
            with running(command) as server:
                storm = load(server, "--sign-in", FORM, "--probe", "/healthz", users=USERS, requests=REQUESTS)
            probes.append(1000 * p95(storm.probes))
            rates.append(storm.rate)
    return [
        Figure(
            "13b",
            "50 sign-ins at once: `/healthz`, 95th percentile",
            at_least=None,
            at_most=50,
            rounds=probes,
            module="benchmarks.sign_in",
            detail=f"{middle(rates)} sign-ins a second",
            unit="ms",
        )
    ]


if __name__ == "__main__":
    main(figures, __doc__)
