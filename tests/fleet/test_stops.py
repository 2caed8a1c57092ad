"""What an interrupted `fleet update` leaves is good for the next run."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fleet.checkouts import Fleet, look, results, running, script

PATIENCE = 60
"""Seconds to wait for what another process does."""


def awaited(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(PATIENCE * 20):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it never came")


STOPS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "KILL": signal.SIGKILL}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stop", "place"),
    [("INT", "check"), ("TERM", "check"), ("INT", "copier"), ("KILL", "copier"), ("KILL", "branch")],
)
def test_an_interrupted_run_leaves_nothing_and_the_next_one_completes_it(
    stop: str, place: str, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["app1", "app2", "app3"]
    checkouts = [fleet.add(name, "v2.0.0") for name in names]
    before = [look(checkout) for checkout in checkouts]
    held, go = fleet.base / "held", fleet.base / "go"
    # The second repository waits: in its check, in a step of Copier's, or just after its branch was made.
    wait = f"test ! -e '{fleet.state}' || {{ echo $$ > '{held}'; while test ! -e '{go}'; do sleep 0.1; done; }}"
    path, git = os.environ["PATH"], shutil.which("git")
    if place != "check":
        waiting_git = {
            "copier": f'case "$1" in apply) {wait};; esac; exec {git} "$@"',
            "branch": f'{git} "$@" || exit; case "$PWD $*" in *app2*update-ref*) {wait};; esac',
        }
        script(fleet.base / "bin" / "git", waiting_git[place])
        path = f"{fleet.base / 'bin'}:{path}"
    command = fleet.command("--check", wait if place == "check" else "true")
    with running(command, PATH=path) as process:
        awaited(held.exists)
        if stop == "INT":
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: git gets it as well
        else:
            process.send_signal(STOPS[stop])
        _, told = process.communicate(timeout=PATIENCE)
    if stop == "KILL":
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        assert "Interrupted." in told
        assert not fleet.left_behind()
    if stop != "KILL" and place == "check":
        waiting = Path("/proc") / held.read_text(encoding="utf-8").strip()
        awaited(lambda: not waiting.exists())
    go.touch()
    made = 2 if place == "branch" else 1
    assert list(json.loads(fleet.state.read_text(encoding="utf-8"))["done"]) == [str(one) for one in checkouts[:made]]
    assert [look(checkout) for checkout in checkouts[made:]] == before[made:]
    assert fleet.update(*command[5:]) == 0
    done, updated = (f"{word} a template v2.0.0 -> v3.0.0" for word in ("done before:", "updated"))
    assert results(capsys) == {
        "app1": f"canary {done}",
        "app2": f"10% {done if place == 'branch' else updated}",
        "app3": f"rest {updated}",
    }
    assert not fleet.left_behind()
