"""What breaks updates elsewhere does not break them here: each trap is closed by design, and held by a test."""

import io
import re
import shutil
import tarfile
from pathlib import Path
from subprocess import run as run_process

import pytest
import yaml

from scripts.history import ADA, NEXT, commit, git, presets, releases
from scripts.updates import START, answers_of, case, edited, judge, render, settle, texts, update
from tests.conftest import copier, files, release
from tests.conftest import render as render_plain


def source_of(project: Path) -> str:
    """Read where a project says that its template is."""
    return yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))["_src_path"]


def state(project: Path) -> str:
    """Give what git sees in a project: the commit, and every change since."""
    return git("rev-parse", "HEAD", cwd=project) + git("status", "--porcelain", cwd=project) + git("diff", cwd=project)


def simple(released: Path, folder: Path) -> Path:
    """Give a committed project of version 1.0.0."""
    project = render(released, folder, "1.0.0", {"app_type": "interface"})
    commit(project, "Scaffold")
    return project


# Where the template and the project are.


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        (".", "."),
        pytest.param("..", "the template", marks=pytest.mark.slow),
        pytest.param("..", "./the template/", marks=pytest.mark.slow),
    ],
)
def test_a_relative_template_path_is_made_absolute_and_updates_work_from_elsewhere(
    folder: str, source: str, released: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "the template"
    shutil.copytree(released, repository)
    project = tmp_path / "a place" / "my app"
    copier("copy", "-q", "--defaults", source, project, cwd=repository / folder)
    assert Path(source_of(project)) == repository
    commit(project, "Scaffold")
    before = state(project)
    update(project)
    assert state(project) == before


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["git+file://", "file://", ""])
def test_an_address_stays_as_it_was_given(prefix: str, released: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(released)
    address = f"{prefix}{tmp_path / 'current'}{'/.git' if prefix == 'file://' else ''}"
    copier("copy", "-q", "--defaults", address, "app", cwd=tmp_path)
    assert source_of(tmp_path / "app") == address


# What an update refuses, and what it leaves alone.


def test_a_project_with_uncommitted_changes_is_refused_in_one_line_and_left_alone(
    released: Path, tmp_path: Path
) -> None:
    project = simple(released, tmp_path / "app")
    (project / "app.py").write_text("# half done\n", encoding="utf-8")
    before = state(project)
    done = copier("update", "--defaults", cwd=project, check=False)
    assert done.returncode != 0
    assert done.stdout.strip().splitlines() == [
        "Destination repository is dirty; cannot continue. Please commit or stash your local changes and retry."
    ]
    assert state(project) == before


@pytest.mark.slow
def test_a_project_outside_of_git_is_refused_in_one_line(released: Path, tmp_path: Path) -> None:
    project = render(released, tmp_path / "app", "1.0.0", {})
    before = texts(project)
    done = copier("update", "--defaults", cwd=project, check=False)
    assert done.returncode != 0
    assert done.stdout.strip() == "Updating is only supported in git-tracked subprojects."
    assert texts(project) == before


@pytest.mark.slow
def test_a_second_update_changes_nothing(released: Path, tmp_path: Path) -> None:
    repository = tmp_path / "template"
    shutil.copytree(released, repository)
    project = edited(render(repository, tmp_path / "app", "1.0.0", {"app_type": "interface"}))
    readme = repository / "template" / "README.md.jinja"
    readme.write_text(readme.read_text(encoding="utf-8").replace("## Run it\n", "## Run it here\n"), encoding="utf-8")
    release(repository, "2.0.0")
    update(project)
    settle(project)
    before = state(project)
    update(project)
    assert state(project) == before


# Line endings: a checkout on Windows.


def crlf(project: Path, name: str) -> None:
    """Save a file as an editor on Windows does."""
    text = (project / name).read_bytes().decode()
    (project / name).write_bytes(text.replace("\r\n", "\n").replace("\n", "\r\n").encode())


def updated_from_windows(released: Path, folder: Path, *, attributes: bool) -> tuple[list[str], int]:
    """Edit a project with CRLF and `autocrlf`, update it, and give what is lost and how many conflicts there are."""
    repository = folder / "template"
    shutil.copytree(released, repository)
    model = repository / "variants" / "app" / "interface" / "services" / "model.py"
    model.write_text(model.read_text(encoding="utf-8") + "\n# The end.\n", encoding="utf-8")
    release(repository, "2.0.0")
    project = render(repository, folder / "app", "1.0.0", {"app_type": "interface"})
    old = texts(project)
    git("init", "-q", cwd=project)
    if not attributes:
        (project / ".gitattributes").unlink()
    git("config", "core.autocrlf", "true" if attributes else "false", cwd=project)
    (project / "services" / "model.py").write_text("# Ours.\n" + old["services/model.py"], encoding="utf-8")
    mine = texts(project)
    crlf(project, "services/model.py")
    crlf(project, "README.md")
    commit(project, "Ours, with CRLF")
    update(project)
    after = {name: text.replace("\r\n", "\n") for name, text in texts(project).items()}
    new = texts(render(repository, folder / "new", "2.0.0", {"app_type": "interface"}))
    verdict = judge(old, mine, new, after, folder)
    return verdict.lost, sum(text.count(START) for text in after.values())


@pytest.mark.slow
def test_files_with_crlf_are_merged_line_by_line(released: Path, tmp_path: Path) -> None:
    assert updated_from_windows(released, tmp_path, attributes=True) == ([], 0)


@pytest.mark.slow
def test_without_the_attributes_a_file_with_crlf_is_one_conflict(released: Path, tmp_path: Path) -> None:
    lost, conflicts = updated_from_windows(released, tmp_path, attributes=False)
    assert lost == ["services/model.py: not what both sides made of it"]
    assert conflicts == 1


# Choices and questions that go away: the pattern of CONTRIBUTING.md.

QUESTIONS = """\
target:
  type: str
  help: Where will it run?
  default: local
  choices: {Local: local, Old: legacy}
"""
REMOVED = """\
target:
  type: str
  help: Where will it run?
  default: "{{ {'legacy': 'server'}.get(target, 'local') if target is defined else 'local' }}"
  choices: {Local: local, Server: server}
"""
CARELESS = """\
target:
  type: str
  help: Where will it run?
  default: local
  choices: {Local: local, Server: server}
"""
RENAMED = """\
place:
  type: str
  help: Where will it run?
  default: "{{ target if target is defined else 'local' }}"
  choices: {Local: local, Old: legacy}
"""


def with_questions(repository: Path, text: str, version: str) -> None:
    """Release a small template that asks these questions."""
    (repository / "template").mkdir(parents=True, exist_ok=True)
    head = "_subdirectory: template\n_envops: {undefined: jinja2.StrictUndefined}\n\n"
    (repository / "copier.yml").write_text(head + text, encoding="utf-8")
    key = next(iter(yaml.safe_load(text)))
    (repository / "template" / "place.txt.jinja").write_text(f"{{{{ {key} }}}}\n", encoding="utf-8")
    answers = "{{ _copier_answers | to_nice_yaml -}}\n"
    (repository / "template" / "{{ _copier_conf.answers_file }}.jinja").write_text(answers, encoding="utf-8")
    release(repository, version)


@pytest.mark.parametrize(
    ("text", "answers", "place"),
    [
        (REMOVED, {"target": "server"}, "server\n"),
        pytest.param(CARELESS, {"target": "local"}, "local\n", marks=pytest.mark.slow),
        pytest.param(RENAMED, {"place": "legacy"}, "legacy\n", marks=pytest.mark.slow),
    ],
    ids=["removed choice with an alias", "removed choice without one", "renamed question"],
)
def test_an_old_answer_is_carried_over_by_a_default_that_reads_it(
    text: str, answers: dict[str, str], place: str, tmp_path: Path
) -> None:
    repository = tmp_path / "template"
    with_questions(repository, QUESTIONS, "1.0.0")
    project = render(repository, tmp_path / "app", "1.0.0", {"target": "legacy"})
    commit(project, "Scaffold")
    with_questions(repository, text, "2.0.0")
    update(project)
    assert answers_of(project) == answers
    assert (project / "place.txt").read_text(encoding="utf-8") == place
    commit(project, "Updated")
    before = state(project)
    update(project)
    assert state(project) == before


# The releases so far.


def gone_without_alias(old: str, new: str) -> list[str]:
    """Name the questions and choices of one `copier.yml` that another neither has nor reads in a default."""
    before, after = yaml.safe_load(old), yaml.safe_load(new)
    defaults = " ".join(str(question.get("default")) for question in after.values() if isinstance(question, dict))
    missing: list[str] = []
    for key, question in before.items():
        if key.startswith("_"):
            continue
        if key not in after:
            missing += [] if re.search(rf"\b{key}\b", defaults) else [key]
            continue
        values = after[key].get("choices", {}).values()
        for value in question.get("choices", {}).values():
            if value not in values and f"'{value}'" not in str(after[key]["default"]):
                missing.append(f"{key}: {value}")
    return missing


@pytest.mark.parametrize("version", releases())
def test_no_question_or_choice_of_a_release_went_away_without_an_alias(version: str, history: Path) -> None:
    old, new = (git("show", f"{ref}:copier.yml", cwd=history) for ref in (version, NEXT))
    assert gone_without_alias(old, new) == []


def test_a_choice_or_question_without_an_alias_would_be_noticed() -> None:
    assert gone_without_alias(QUESTIONS, REMOVED) == []
    assert gone_without_alias(QUESTIONS, RENAMED) == []
    assert gone_without_alias(QUESTIONS, CARELESS) == ["target: legacy"]
    assert gone_without_alias(QUESTIONS, "_subdirectory: template\n") == ["target"]


def unpacked(history: Path, version: str, folder: Path) -> Path:
    """Give the files of a version without git, which renders faster."""
    archive = run_process(["git", "archive", version], cwd=history, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("version", releases())
def test_no_file_of_a_release_was_renamed_or_taken_away(
    version: str, history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (unpacked(history, ref, tmp_path / ref) for ref in (version, NEXT))
    found = {name: yaml.safe_load(text) for name, text in presets(history, version).items()}
    monkeypatch.setenv("PATH", "")  # Copier asks git once for every file.
    for name, answers in found.items():
        before, after = (render_plain(source, tmp_path / f"{name}-{source.name}", answers) for source in (old, new))
        names = [{path.relative_to(project).as_posix() for path in files(project)} for project in (before, after)]
        gone = {path for path in names[0] - names[1] if not moved_on_purpose(path, names[1])}
        assert not gone, name


def moved_on_purpose(path: str, now: set[str]) -> bool:
    """Tell whether a file was the template's, and moved into the house of 0.3: `tests/test_moving_house.py`."""
    if path.startswith("tests/"):
        return path == "tests/test_server.py" or path.replace("tests/", "tests/server/", 1) in now
    return path.startswith("utils/") and path not in {"utils/preprocess.py", "utils/settings.py", "utils/__init__.py"}


@pytest.mark.slow
def test_an_update_in_two_steps_is_as_good_as_one(history: Path, tmp_path: Path) -> None:
    # Somebody who skipped versions, and somebody who took each of them, end up with the same files.
    version = next(iter(releases()))
    (tmp_path / "one").mkdir()
    project, verdict = case(history, version, "prototype", tmp_path / "one", NEXT)
    assert not verdict.lost
    once = texts(project)
    git("stash", "-q", "--include-untracked", cwd=project)
    for step in [*list(releases())[1:], NEXT]:
        update(project, "--vcs-ref", step)
        git("add", "-A", cwd=project)
        git(*ADA, "commit", "-q", "--allow-empty", "-m", step, cwd=project)
    assert texts(project) == once
