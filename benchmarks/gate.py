"""What the gate and the log of requests cost, which stand in front of every route."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures import Figure, main, middle, ratios
from benchmarks.load import load
from benchmarks.servers import generated, render_for_load, running

USERS = 50
REQUESTS = 120
TURNS = 10
LEFT_OUT = {"all": (), "no gate": ("no-gate",), "no log": ("no-log",)}


def figures(rounds: int) -> list[Figure]:
    """Measure the server's processor time and not the clock.

    All servers run all the time and take many short turns: the difference is small, the noise of a machine is not.
    """
    costs: dict[str, list[float]] = {name: [] for name in LEFT_OUT}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        project = render_for_load(Path(scratch) / "project")
        servers = {
            name: stack.enter_context(running(generated(project, "bench_app.py", "predict", *left_out)))
            for name, left_out in LEFT_OUT.items()
        }
        for server in servers.values():
            load(server, users=USERS, requests=4 * USERS)
        for _ in range(TURNS * rounds):
            for name, server in servers.items():
                costs[name].append(1000 * load(server, users=USERS, requests=REQUESTS).cpu)
    return [
        figure("12a", "the gate", costs["all"], costs["no gate"]),
        figure("12b", "the log of requests", costs["all"], costs["no log"]),
    ]


def figure(key: str, what: str, cost: list[float], without: list[float]) -> Figure:
    """Compare with and without."""
    return Figure(
        key,
        f"the server's CPU for a no-op event, against the same app without {what}",
        at_least=None,
        at_most=1.05,
        rounds=ratios(cost, without),
        module="benchmarks.gate",
        detail=f"{middle(cost)} ms, without {middle(without)} ms",
    )


if __name__ == "__main__":
    main(figures, __doc__)
