"""The command line: `uv run fleet report SOURCE...` and `uv run fleet update SOURCE...`.

Exit codes: 0 all is fine; 1 a repository could not be read, was refused or is red; 2 the command was not given right;
130 interrupted.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fleet import formats, prompts, report, rollout, scratch, sources, waves
from fleet.errors import UsageError
from fleet.git import isolate
from fleet.state import State
from fleet.update import Order

DESCRIPTION = "Report and update many projects that were made from Copier templates."
SOURCES = "a checkout, a folder of checkouts, an address, or a file with one path or address a line"
INTERRUPTED = 130


@dataclass
class Arguments(argparse.Namespace):
    """What was typed, with types; the parser has the same defaults."""

    command: str = ""
    source: list[str] = field(default_factory=list[str])
    format: str = "text"
    no_conflicts: bool = False
    to: str = ""
    data: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    prepare: str = ""
    check: str = ""
    branch: str = Order.branch
    waves: str = waves.DEFAULT
    canary: str = ""
    state: Path = Path("fleet.json")
    push: bool = False
    yes: bool = False


def main(argv: Sequence[str] | None = None, *, terminal: bool | None = None) -> int:
    """Run the command and give its exit code."""
    isolate()
    typed = list(sys.argv[1:] if argv is None else argv)
    asks = sys.stdin.isatty() and sys.stderr.isatty() if terminal is None else terminal
    try:
        arguments = read(typed, asks=asks)
        return update(arguments, asks=asks) if arguments.command == "update" else show(arguments)
    except UsageError as error:
        tell(f"fleet: {error}")
        return 2
    except KeyboardInterrupt:
        tell("\nInterrupted. Nothing is half-written; give the same command again to go on.")
        return INTERRUPTED


def read(typed: list[str], *, asks: bool) -> Arguments:
    """Read the arguments; in a terminal, ask for those that nothing can be done without.

    Raises:
        UsageError: if something is missing and nobody can be asked.

    """
    if not typed:
        if not asks:
            raise UsageError(
                "say what to do: fleet report SOURCE..., or fleet update SOURCE... --yes (see fleet --help)"
            )
        typed = [prompts.command()]
    arguments = parser().parse_args(typed, Arguments())
    if not arguments.source:
        if not asks:
            raise UsageError(f"say which repositories: fleet {arguments.command} SOURCE... ({SOURCES})")
        arguments.source = [prompts.source()]
        if arguments.command == "update":
            arguments.to = arguments.to or prompts.version()
            arguments.check = arguments.check or prompts.check()
    return arguments


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    root = argparse.ArgumentParser("fleet", description=DESCRIPTION, epilog=(__doc__ or "").split("\n\n")[1])
    commands = root.add_subparsers(dest="command", required=True)
    for name, about in (("report", "how far behind each project is"), ("update", "a branch in each, wave by wave")):
        command = commands.add_parser(name, help=about, description=f"{name.capitalize()}: {about}.")
        command.add_argument("source", nargs="*", metavar="SOURCE", help=SOURCES)
        command.add_argument("--format", choices=formats.FORMATS, default="text", help="of the table on stdout")
        if name == "report":
            command.add_argument("--no-conflicts", action="store_true", help="do not try the update, which takes time")
        else:
            add_update(command)
    return root


def add_update(command: argparse.ArgumentParser) -> None:
    """Describe the arguments of an update."""
    command.add_argument("--to", default="", metavar="VERSION", help="a tag of the template (default: its newest)")
    command.add_argument(
        "--data", action="append", default=[], type=pair, metavar="KEY=VALUE", help="an answer to change; repeatable"
    )
    command.add_argument("--prepare", default="", metavar="COMMAND", help="runs before the commit, such as 'uv lock'")
    command.add_argument("--check", default="", metavar="COMMAND", help="tells green from red, such as 'uv run pytest'")
    command.add_argument("--branch", default=Order.branch, metavar="NAME", help=f"to make (default {Order.branch})")
    command.add_argument(
        "--waves", default=waves.DEFAULT, metavar="PLAN", help=f"who goes when (default {waves.DEFAULT})"
    )
    command.add_argument("--canary", default="", metavar="NAME", help="the repository that goes first")
    command.add_argument(
        "--state", type=Path, default=Path("fleet.json"), metavar="FILE", help="what is done (default fleet.json)"
    )
    command.add_argument("--push", action="store_true", help="push each branch to origin")
    command.add_argument("--yes", action="store_true", help="start every wave without a question")


def pair(text: str) -> tuple[str, str]:
    """Read KEY=VALUE."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def show(arguments: Arguments) -> int:
    """Print a report."""
    found = sources.find(arguments.source)
    with scratch.of_its_own() as folder:
        result = report.look(found, folder, tell, with_conflicts=not arguments.no_conflicts)
    write(formats.show(result, arguments.format))
    return told(result.problems)


def update(arguments: Arguments, *, asks: bool) -> int:
    """Update all, and print what came of it."""
    if not (arguments.yes or asks):
        raise UsageError("without a terminal nobody can be asked whether a wave may start: pass --yes")
    order = Order(
        version=arguments.to,
        data=dict(arguments.data),
        prepare=arguments.prepare,
        check=arguments.check,
        branch=arguments.branch,
        push=arguments.push,
    )
    sizes = waves.parse(arguments.waves)
    found = canary_first(sources.find(arguments.source), arguments.canary)
    state = State.load(arguments.state)
    if not state.path.absolute().parent.is_dir():
        raise UsageError(f"--state: {state.path.parent} is no folder")
    if not order.check:
        tell("No --check: whatever updates without a conflict counts as green.")
    # A stop by the system is as clean as Ctrl-C.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with scratch.of_state(arguments.state) as folder:
            result = rollout.Rollout(order, state, tell, always if arguments.yes else prompts.confirm)
            result.run(result.plan(found, folder), sizes)
    finally:
        signal.signal(signal.SIGTERM, before)
    write(formats.outcome(result, arguments.format))
    return 1 if result.problems else 0


def canary_first(found: list[sources.Source], name: str) -> list[sources.Source]:
    """Put the canary first."""
    if not name:
        return found
    first = [source for source in found if source.name == name]
    if not first:
        raise UsageError(f"--canary: no repository is called {name}")
    return first + [source for source in found if source.name != name]


def always(_question: str) -> bool:
    """Answer for `--yes`."""
    return True


def told(problems: dict[str, str]) -> int:
    """Print one line for each problem, and give the exit code."""
    for name, problem in problems.items():
        tell(f"{name}: {problem}")
    return 1 if problems else 0


def tell(text: str, end: str = "\n") -> None:
    """Print progress and problems."""
    sys.stderr.write(text + end)
    sys.stderr.flush()


def write(text: str) -> None:
    """Print what was asked for; whoever reads it may have gone."""
    with suppress(BrokenPipeError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
