"""Renders of the template, in process and as a person would make them."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from copier import run_copy

from scripts.history import commit, git, is_complete, tagged_copy

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS: dict[str, dict[str, Any]] = {
    key: value
    for key, value in yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8")).items()
    if not key.startswith("_")
}
PRESETS = sorted(path.stem for path in (ROOT / "presets").glob("*.yml"))
PATIENCE = 900
"""Seconds that a program of a test may take: five times what the slowest takes on two quiet cores."""
BEGUN = time.monotonic()
Answers = dict[str, Any]


def choices(question: str) -> list[str]:
    """Give the values of a question, the default first."""
    found = list(QUESTIONS[question]["choices"].values())
    default = QUESTIONS[question]["default"]
    return [default, *(value for value in found if value != default)]


def combinations() -> list[Answers]:
    """Every combination of answers that differs from the others in what is asked."""
    keys = ["app_type", "deploy_target", "auth_mode"]
    found: list[Answers] = []
    for values in itertools.product(*map(choices, keys)):
        answers = dict(zip(keys, values, strict=True))
        models = choices("model") if answers["app_type"] in {"chat", "streaming"} else [None]
        found += [answers | ({"model": model} if model else {}) for model in models]
    return found


def feature_sets() -> list[list[str]]:
    """Give none of the features, each of them alone, and all together."""
    known = list(QUESTIONS["features"]["choices"].values())
    return [[], *([name] for name in known), known]


def with_features() -> list[Answers]:
    """Few combinations: each feature in every auth mode, and all together in every app and every place to run."""
    usual: Answers = {"app_type": "interface", "deploy_target": "local", "auth_mode": "none"}
    alone, together = feature_sets()[1:-1], feature_sets()[-1]
    found = [usual | {"auth_mode": mode, "features": names} for mode in choices("auth_mode") for names in alone]
    for answers in combinations():
        differs = [key for key in usual if answers[key] != usual[key]]
        if len(differs) <= 1:
            found.append(answers | {"features": together})
    return found


def skeletons() -> list[Answers]:
    """Few combinations: each skeleton as it is, with its other model, with passwords, and once in each place to run."""
    found: list[Answers] = []
    for app in choices("app_type"):
        usual: Answers = {"app_type": app, "start_from": "skeleton"}
        asks = app in {"chat", "streaming"}
        found += [usual, *(usual | {"model": model} for model in choices("model")[1:] if asks)]
        found += [usual | {"auth_mode": "password"}]
        found += [usual | {"deploy_target": target} for target in choices("deploy_target")[1:]]
    return found


def name_of(answers: Answers) -> str:
    """Name a combination for people."""
    return "-".join("+".join(value) if isinstance(value, list) else str(value) for value in answers.values())


def thorough(*, is_one: bool) -> list[pytest.MarkDecorator]:
    """Mark a case that `.ci/run` leaves out unless it is called with `--all`."""
    return [pytest.mark.thorough] if is_one else []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `.ci/run --all` asks for."""
    parser.addoption("--every-guard", action="store_true", help="also guards that were seen red with the files of now")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what has a group: it takes long, and begun last it would keep one worker while the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Print a failure when it happens: a run that is cut off has told it."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        after = f"after {time.monotonic() - BEGUN:.0f} s"
        sys.__stderr__.write(f"\n{report.nodeid} failed {after}:\n{report.longreprtext[-3000:]}\n")


@pytest.fixture(scope="session")
def every_guard(request: pytest.FixtureRequest) -> bool:
    """Tell whether guards that were seen red with the files of now are tried again."""
    return bool(request.config.getoption("--every-guard"))


def preset(name: str) -> Answers:
    """Read the answers of a preset."""
    return yaml.safe_load((ROOT / "presets" / f"{name}.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a plain copy of the template: rendering it needs no git, which makes it several times faster."""
    copy = tmp_path_factory.mktemp("template")
    for part in ("template", "variants", "extensions"):
        shutil.copytree(ROOT / part, copy / part)
    shutil.copy(ROOT / "copier.yml", copy)
    return copy


@pytest.fixture(scope="session")
def released(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the template as a repository with one version: updates need one. A copy of it may get more."""
    repository = tmp_path_factory.mktemp("released") / "template"
    shutil.copytree(template, repository)
    return release(repository, "1.0.0")


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clone of this repository with its releases and today's files as tags."""
    if not is_complete():
        pytest.skip("this clone has no full history: git fetch --unshallow")
    return tagged_copy(tmp_path_factory.mktemp("history") / "template")


def release(repository: Path, version: str) -> Path:
    """Commit what is there and tag it."""
    commit(repository, version)
    git("tag", version, cwd=repository)
    return repository


@pytest.fixture
def without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide git, which Copier asks once for every file."""
    monkeypatch.setenv("PATH", "")


def render(template: Path, destination: Path, answers: Answers) -> Path:
    """Render a project in process, without trust."""
    run_copy(str(template), destination, data=answers, defaults=True, quiet=True, unsafe=False)
    return destination


def files(project: Path) -> Iterator[Path]:
    """Give the files of a project, those of tools left out."""
    hidden = {".venv", ".git", ".ruff_cache", ".pytest_cache", "__pycache__"}
    for path in sorted(project.rglob("*")):
        if path.is_file() and not hidden & set(path.parts):
            yield path


def repository_files() -> list[str]:
    """Name the files of this repository, with those that wait for a commit."""
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.split("\0")
    return [name for name in names if (ROOT / name).is_file()]


def run(*command: str | Path, cwd: Path, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a person would, and fail with what it printed; one that hangs says where, and goes."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | variables
    told = " ".join(map(str, command))
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that what it started goes with it
    )
    try:
        printed, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)  # pytest prints where each of its threads is
        printed, _ = process.communicate(timeout=10)
        pytest.fail(f"{told} took more than {PATIENCE} s:\n{printed[-6000:]}")
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if check and process.returncode:
        pytest.fail(f"{told} exited with {process.returncode}:\n{printed[-6000:]}")
    return subprocess.CompletedProcess(process.args, process.returncode, printed)


def copier(*arguments: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Copier's command line in a process of its own, with no terminal."""
    return run(sys.executable, "-m", "copier", *arguments, cwd=cwd, check=check)
