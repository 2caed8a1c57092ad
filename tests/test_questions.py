"""The JSON Schema of the questions is fresh, valid, and agrees with Copier about what is a good answer."""

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from copier import run_copy
from jsonschema import Draft202012Validator

from scripts.questions import SCHEMA, main, read_questions, schema_of, text_of
from tests.conftest import PRESETS, QUESTIONS, ROOT, Answers, combinations, preset, run
from tests.test_hostile_answers import NASTY

OVERLAY = ROOT / "examples" / "organisation"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    """Give the validator of the committed schema."""
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def schema(**questions: Any) -> Draft202012Validator:  # noqa: ANN401
    """Give the validator of other questions."""
    made = schema_of(questions)
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def test_the_schema_is_fresh_and_valid(validator: Draft202012Validator) -> None:
    fresh = text_of(schema_of(read_questions(ROOT / "copier.yml")))
    assert SCHEMA.read_text(encoding="utf-8") == fresh, "run: uv run python -m scripts.questions"
    Draft202012Validator.check_schema(validator.schema)


def test_every_question_has_a_title_a_text_and_a_good_default(validator: Draft202012Validator) -> None:
    conditional = [each["then"]["properties"] for each in validator.schema["allOf"] if "then" in each]
    found = {**validator.schema["properties"], **{key: value for each in conditional for key, value in each.items()}}
    assert found.keys() == {key for key, question in QUESTIONS.items() if question.get("when") is not False}
    for key, answer in found.items():
        assert answer["title"]
        assert answer["description"] == QUESTIONS[key]["help"]
        assert Draft202012Validator(answer).is_valid(answer["default"])


def test_every_combination_and_every_preset_is_accepted(validator: Draft202012Validator) -> None:
    for answers in [{}, *combinations(), *map(preset, PRESETS)]:
        validator.validate(answers)
    run("check-jsonschema", "--schemafile", SCHEMA, *(ROOT / "presets").glob("*.yml"), cwd=ROOT)


@pytest.mark.parametrize(
    "answers",
    [
        {"app_type": "desktop"},
        {"app_type": ["chat"]},
        {"deploy_target": ""},
        {"auth_mode": None},
        {"project_name": 7},
        {"app_type": "chat", "model": "oracle"},
        {"app_type": "blocks", "model": "openai"},
        {"model": "embedded"},
        {"app_typ": "chat"},
        {"policy": {}},
    ],
    ids=str,
)
def test_wrong_answers_are_refused(answers: Answers, validator: Draft202012Validator) -> None:
    assert not validator.is_valid(answers)


def samples() -> list[Answers]:
    """Give good and bad answers to every question that Copier checks."""
    names: list[Answers] = [{"project_name": name} for name in [*NASTY, "x" * 60, "x" * 61, "\u3000", "a\x85"]]
    keys = [key for key, question in QUESTIONS.items() if "choices" in question and question.get("when") is not False]
    wrong = {key: ["no-such-choice"] if QUESTIONS[key].get("multiselect") else "no-such-choice" for key in keys}
    return names + [{"app_type": "chat", key: value} for key, value in wrong.items()]


@pytest.mark.parametrize("answers", samples(), ids=lambda answers: ascii(list(answers.values())[-1])[:30])
@pytest.mark.usefixtures("without_git")
def test_copier_and_the_schema_agree(
    answers: Answers, template: Path, tmp_path: Path, validator: Draft202012Validator
) -> None:
    try:
        run_copy(str(template), tmp_path / "app", data=answers, defaults=True, quiet=True, exclude=["*"])
        taken = True
    except ValueError:
        taken = False
    assert validator.is_valid(answers) == taken


# FORMS OF QUESTIONS THAT THE TEMPLATE DOES NOT HAVE TODAY


def test_several_choices_are_a_list_without_repetition() -> None:
    question = {"type": "str", "default": [], "multiselect": True, "choices": {"Queue": "queue", "Tools": "mcp"}}
    validator = schema(features=question)
    for good in ([], ["mcp"], ["queue", "mcp"]):
        validator.validate({"features": good})
    for bad in ("mcp", ["x"], ["mcp", "mcp"]):
        assert not validator.is_valid({"features": bad})


def test_a_choice_that_needs_another_answer_is_refused_without_it() -> None:
    needs = "{% if place != 'hub' %}Only on the Hub.{% endif %}"
    place = {"type": "str", "default": "desk", "choices": ["desk", "hub"]}
    login = {
        "type": "str",
        "default": "none",
        "choices": [["None", "none"], ["Hub", {"value": "h", "validator": needs}]],
    }
    for validator, chosen in (
        (schema(place=place, login=login), "h"),
        (schema(place=place, login=login | {"default": [], "multiselect": True}), ["h"]),
    ):
        validator.validate({"place": "hub", "login": chosen})
        assert not validator.is_valid({"place": "desk", "login": chosen})
        assert not validator.is_valid({"login": chosen})


def test_conditions_on_several_answers_hold_with_their_defaults() -> None:
    first = {"type": "str", "default": "a", "choices": ["a", "b"]}
    hidden = {"type": "str", "default": "z", "choices": ["z"], "when": False}
    third = {"type": "bool", "default": True, "when": "{{ first == 'a' and second == 'b' and hidden == 'z' }}"}
    validator = schema(first=first, second=first, hidden=hidden, third=third)
    for answers, good in [
        ({"second": "b"}, True),
        ({"first": "a", "second": "b"}, True),
        ({"first": "b", "second": "b"}, False),
        ({}, False),
        ({"hidden": "z"}, False),
    ]:
        assert validator.is_valid(answers | ({} if "hidden" in answers else {"third": False})) == good, answers
    never = schema(first=first, hidden=hidden, third=third | {"when": "{{ hidden == 'x' }}"})
    assert not never.is_valid({"third": False})
    always = schema(first=first, hidden=hidden, third=third | {"when": "{{ hidden == 'z' }}"})
    assert always.is_valid({"third": False})


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"type": "str", "default": "", "validator": "{% if x is odd %}Odd.{% endif %}"}, "no form in JSON Schema"),
        ({"type": "str", "default": "", "when": "{{ text }}"}, "no single answer out of a list"),
        ({"type": "str", "default": "", "when": "{{ missing == 'x' }}"}, "no single answer out of a list"),
    ],
)
def test_what_cannot_be_said_is_not_left_out_silently(question: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        schema_of({"text": {"type": "str", "default": ""}, "x": question})


def test_texts_can_be_held_against_a_pattern() -> None:
    check = "{% if not x | regex_search('^[a-z]+$') %}Lower case.{% endif %}"
    validator = schema(x={"type": "str", "default": "", "validator": check})
    assert validator.is_valid({"x": "abc"})
    assert not validator.is_valid({"x": "Abc"})


# AN ORGANISATION'S FORM


def test_an_organisation_gets_the_form_of_what_it_leaves_open(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = tmp_path / "overlay"
    shutil.copytree(OVERLAY, overlay)
    with pytest.raises(SystemExit, match=r"there is no upstream/copier\.yml\. Run: git submodule"):
        main([str(overlay / "copier.yml")])
    (overlay / "upstream").mkdir()
    shutil.copy(template / "copier.yml", overlay / "upstream")
    main([str(overlay / "copier.yml")])
    validator = Draft202012Validator(json.loads(capsys.readouterr().out))
    Draft202012Validator.check_schema(validator.schema)
    for app_type, target in itertools.product(["chat", "blocks"], ["docker", "local"]):
        validator.validate({"app_type": app_type, "deploy_target": target})
    validator.validate({"model": "openai"})  # a chat, unless somebody says otherwise
    for wrong in ({"deploy_target": "spaces"}, {"auth_mode": "oidc"}, {"app_type": "blocks", "model": "openai"}):
        assert not validator.is_valid(wrong), wrong
