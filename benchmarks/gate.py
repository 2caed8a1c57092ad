"""What the gate and the log of requests cost, which stand in front of every route, with and without signing in."""

import os
import signal
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, main, middle, ratios
from benchmarks.load import load
from benchmarks.servers import cookie, generated, render_for_load, running, with_accounts

USERS = 50
REQUESTS = 150
TURNS = 16


def figures(rounds: int) -> list[Figure]:
    """Measure mode `none`, then mode `password`, where the gate also checks cookies and whose things are asked for."""
    return [
        figure("12a", "the gate", "gate", "none", rounds),
        figure("12b", "the log of requests", "log", "none", rounds),
        figure("13a", "the gate, `auth_mode: password`", "gate", "password", rounds),
    ]


def figure(key: str, what: str, layer: str, auth_mode: str, rounds: int) -> Figure:
    """Measure the server's processor time and not the clock, in milliseconds an event, with the layer and without.

    One process does both, because equal processes differ by one part in twenty, which is more than a layer costs. The
    layer is taken out and put back after each turn, because a machine's speed drifts; the turns of a round are summed
    up. Each round has a new process.
    """
    cost: list[float] = []
    without: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        project = render_for_load(Path(scratch) / "project", auth_mode=auth_mode)
        command = generated(project, "bench_app.py", "predict", layer)
        for _ in range(rounds):
            with running(command if auth_mode == "none" else with_accounts(command)) as server:
                options = [] if auth_mode == "none" else ["--cookie", cookie(server)]
                spent = [0.0, 0.0]
                load(server, *options, users=USERS, requests=4 * USERS)
                for turn in range(2 * TURNS):
                    spent[turn % 2] += load(server, *options, users=USERS, requests=REQUESTS).cpu
                    os.kill(server.pid, signal.SIGUSR1)
                cost.append(1000 * spent[0] / TURNS)
                without.append(1000 * spent[1] / TURNS)
    return Figure(
        key,
        f"the server's CPU for a no-op event, against the same app without {what}",
        at_least=None,
        at_most=1.08,
        rounds=ratios(cost, without),
        module="benchmarks.gate",
        detail=f"{middle(cost)} ms, without {middle(without)} ms",
    )


if __name__ == "__main__":
    main(figures, __doc__)
