"""`fleet report` holds `policy.json` against the files of a project and runs none of them."""

import hashlib
import json
from pathlib import Path

import pytest

from fleet import policy
from tests.conftest import render
from tests.fleet.checkouts import Fleet, commit, rows


def policed(fleet: Fleet, rules: str, **others: str) -> Path:
    checkout = fleet.add("policed", "v3.0.0")
    for name, text in {"policy.json": rules, **others}.items():
        (checkout / name.replace("_", ".")).write_text(text, encoding="utf-8")
    commit(checkout)
    return checkout


PROJECT = '[project]\ndependencies = ["gradio{}"]\n'


@pytest.mark.parametrize(
    ("rules", "others", "verdict"),
    [
        ('{"auth_modes": ["none", "password"]}', {}, "ok"),
        ('{"auth_modes": ["password", "oidc"]}', {}, "1 violation"),
        ('{"minimum_gradio": "6.31"}', {"pyproject_toml": PROJECT.format(">=6.31,<7")}, "ok"),
        ('{"minimum_gradio": "6.32"}', {"pyproject_toml": PROJECT.format(">=6.31,<7")}, "1 violation"),
        ('{"minimum_gradio": "6.32"}', {"pyproject_toml": "["}, "ok, not checked: minimum_gradio"),
        ('{"minimum_gradio": "six"}', {"pyproject_toml": PROJECT.format(">=6")}, "ok, not checked: minimum_gradio"),
        (
            '{"minimum_gradio": "6.32"}',
            {"uv_lock": '[[package]]\nname = "gradio"\nversion = "6.33.0"\n', "pyproject_toml": PROJECT.format("")},
            "ok",
        ),
        (
            '{"auth_modes": [], "minimum_gradio": "7", "x": 1}',
            {"pyproject_toml": PROJECT.format("==6.*")},
            "2 violations, not checked: x",
        ),
        ("{", {}, "1 violation"),
        ("[]", {}, "1 violation"),
    ],
)
def test_a_policy_is_held_against_the_files_alone(
    rules: str, others: dict[str, str], verdict: str, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    policed(fleet, rules, **others)
    assert fleet.report() == 0
    assert rows(capsys.readouterr().out)[1][3] == verdict


def test_violations_are_told_in_full(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    policed(fleet, '{"auth_modes": ["oidc"], "minimum_gradio": "7"}', pyproject_toml=PROJECT.format(">=6.31"))
    assert fleet.report("--format", "json", fleet.folder) == 0
    (row,) = json.loads(capsys.readouterr().out)["repositories"]
    assert row["policy"]["violations"] == [
        "auth_mode is none; allowed where others can reach the app: oidc",
        "gradio is 6.31; at least 7",
    ]
    assert set(policy.RULES) == {"auth_modes", "minimum_gradio"}


@pytest.mark.parametrize("place", policy.MODULES)
def test_rules_that_were_edited_away_are_violations(
    place: str, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = '{"auth_modes": ["none"]}'
    checkout = policed(fleet, rules)
    (checkout / place).parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(rules.encode()).hexdigest()
    (checkout / place).write_text(f'MADE_WITH = "{digest}"\n', encoding="utf-8")
    commit(checkout)
    verdicts: list[str] = []
    for text in (rules, '{"auth_modes": []}', None):
        if text is None:
            (checkout / "policy.json").unlink()
        else:
            (checkout / "policy.json").write_text(text, encoding="utf-8")
        commit(checkout)
        assert fleet.report("--format", "json", fleet.folder) == 0
        verdicts += json.loads(capsys.readouterr().out)["repositories"][0]["policy"]["violations"]
    assert verdicts == ["policy.json is not the one that the project was made with", "policy.json is missing"]


def test_a_real_project_is_read_and_a_locked_answer_is_known(
    fleet: Fleet, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {"auth_mode": "password", "policy": {"auth_modes": ["oidc"], "required_settings": {"log_format": "json"}}}
    checkout = render(template, fleet.folder / "real", answers)
    # What an overlay locks is in no answers file; this template has no version here, so it gets one.
    text = (checkout / ".copier-answers.yml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("auth_mode:", "_commit:", "_src_path:"))]
    origin = [f"_src_path: {fleet.template}", "_commit: v3.0.0"]
    (checkout / ".copier-answers.yml").write_text("\n".join([*lines, *origin]) + "\n", encoding="utf-8")
    commit(checkout)
    assert fleet.report("--no-conflicts", "--format", "json", fleet.folder) == 0
    (row,) = json.loads(capsys.readouterr().out)["repositories"]
    assert row["policy"]["violations"] == ["auth_mode is password; allowed where others can reach the app: oidc"]
    assert row["policy"]["not_checked"] == ["required_settings"]
