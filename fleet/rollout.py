"""Many repositories, wave by wave."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fleet import waves
from fleet.errors import FleetError
from fleet.projects import read
from fleet.sources import Source
from fleet.state import State
from fleet.templates import Templates
from fleet.update import Order, Task, carry_out, plan
from fleet.waves import Size

Tell = Callable[[str, str], None]
"""Takes a text and how it ends, as `print` does."""
Ask = Callable[[str], bool]
HEAD = ("repository", "wave", "result")


@dataclass
class Rollout:
    """One order for many repositories, and what comes of it."""

    order: Order
    state: State
    tell: Tell
    ask: Ask
    rows: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Repository, wave, result; those that never started last."""
    problems: dict[str, str] = field(default_factory=dict[str, str])
    """One line for each repository that could not be updated."""

    def plan(self, sources: Sequence[Source], scratch: Path) -> list[Task]:
        """Look at all repositories before any is touched; those that cannot be updated are no part of any wave."""
        templates, tasks = Templates(scratch), list[Task]()
        for source in sources:
            try:
                tasks.append(plan(read(source, scratch), templates, self.order, self.state))
            except (FleetError, OSError) as error:
                self.problems[source.name] = str(error)
                self.tell(f"{source.name}: {error}", "\n")
        self.tell(f"{len(tasks)} of {len(sources)} repositories can be updated.", "\n")
        return tasks

    def run(self, tasks: Sequence[Task], sizes: Sequence[Size]) -> None:
        """Update wave after wave, up to the first that has a red one."""
        number = 0
        for name, members in waves.split(tasks, sizes):
            pending = [task for task in members if task.is_needed and not task.is_done(self.order)]
            if pending and not self.ask(f"Wave {name}: {len(pending)} to update. Start?"):
                self.tell(f"Stopped before wave {name}.", "\n")
                break
            red = 0
            for task in members:
                number += 1
                self.tell(f"[{number}/{len(tasks)}] wave {name}: {task.repository.name} ... ", "")
                red += not self.one(task, name)
            if red:
                self.tell(f"Stopped after wave {name}: {red} red, left as before. ", "")
                self.tell("Put it right and give the same command again: what is done is skipped.", "\n")
                break
        self.rows += [(task.repository.name, "-", "not started") for task in tasks[number:]]

    def one(self, task: Task, wave: str) -> bool:
        """Update one repository, unless that is done, and tell whether it is green."""
        name, problem = task.repository.name, ""
        try:
            result = self.result(task)
        except (FleetError, OSError) as error:
            result, problem = "red", str(error)
            self.problems[name] = problem
        self.tell(f"{result}: {problem}" if problem else result, "\n")
        self.rows.append((name, wave, result))
        return not problem

    def result(self, task: Task) -> str:
        """Update one repository, unless that is done, and say what came of it."""
        if not task.is_needed:
            return "current"
        if task.is_done(self.order) and task.before:
            return f"done before: {task.before.summary}"
        return carry_out(task, self.order, self.state)
