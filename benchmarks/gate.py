"""What the gate and the log of requests cost, which stand in front of every route, with and without signing in."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures import Figure, main, middle, ratios
from benchmarks.load import Load, load
from benchmarks.servers import Server, cookie, generated, render_for_load, running, with_accounts

USERS = 50
REQUESTS = 200
TURNS = 10
MORE = 2
"""Rounds, for each of another figure."""
LEFT_OUT = {"all": (), "no gate": ("no-gate",), "no log": ("no-log",)}


def figures(rounds: int) -> list[Figure]:
    """Measure mode `none`, then mode `password`, where the gate also checks cookies and whose things are asked for."""
    plain, known = costs("none", rounds), costs("password", rounds)
    return [
        figure("12a", "the gate", plain["all"], plain["no gate"]),
        figure("12b", "the log of requests", plain["all"], plain["no log"]),
        figure("13a", "the gate, `auth_mode: password`", known["all"], known["no gate"]),
    ]


def costs(auth_mode: str, rounds: int) -> dict[str, list[float]]:
    """Measure the server's processor time and not the clock, in milliseconds an event: one number for each round.

    The servers of a round run side by side and take many turns, in an order that goes round, and their times are summed
    up: the difference is small, the noise of a machine is not. Each round has new ones, because equal processes differ
    too, by one part in twenty.
    """
    found: dict[str, list[float]] = {name: [] for name in LEFT_OUT}
    with tempfile.TemporaryDirectory() as scratch:
        project = render_for_load(Path(scratch) / "project", auth_mode=auth_mode)
        for _ in range(MORE * rounds):
            with ExitStack() as stack:
                servers = started(project, auth_mode, stack)
                order, spent = list(servers), dict.fromkeys(servers, 0.0)
                for _ in range(TURNS):
                    order.append(order.pop(0))
                    for name in order:
                        spent[name] += ask(*servers[name], REQUESTS).cpu
                for name, seconds in spent.items():
                    found[name].append(1000 * seconds / TURNS)
    return found


def started(project: Path, auth_mode: str, stack: ExitStack) -> dict[str, tuple[Server, str]]:
    """Start one server with everything and one without each layer; give them with the cookie of a visitor."""
    servers: dict[str, tuple[Server, str]] = {}
    for name, left_out in LEFT_OUT.items():
        command = generated(project, "bench_app.py", "predict", *left_out)
        if auth_mode == "none":
            servers[name] = (stack.enter_context(running(command)), "")
        else:
            server = stack.enter_context(running(with_accounts(command)))
            servers[name] = (server, cookie(server))
    for server, who in servers.values():
        ask(server, who, 4 * USERS)
    return servers


def ask(server: Server, who: str, requests: int) -> Load:
    """Let everybody ask with the same cookie."""
    return load(server, "--cookie", who, users=USERS, requests=requests)


def figure(key: str, what: str, cost: list[float], without: list[float]) -> Figure:
    """Compare with and without."""
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
