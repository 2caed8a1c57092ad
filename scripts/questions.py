"""Write the questions as a JSON Schema, for the forms of portals: `uv run python -m scripts.questions`.

With the path of an organisation's `copier.yml` it prints the schema of what is left to ask there.
"""

import itertools
import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, meta, nodes

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "questions.schema.json"
TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
Json = dict[str, Any]
Questions = dict[str, Json]
environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701 (no HTML)


def read_questions(path: Path) -> Questions:
    """Read a `copier.yml` as Copier does: it includes files, and later questions replace earlier ones of their name."""
    found: Questions = {}
    for document in documents(path, path.parent):
        for key, value in (document or {}).items():
            if not key.startswith("_"):
                found[key] = value if isinstance(value, dict) else {"default": value}
    return found


def documents(path: Path, root: Path) -> list[Any]:
    """Read the documents of a YAML file, and those that it includes.

    Raises:
        SystemExit: one line, if there is nothing to include.

    """

    class Loader(yaml.SafeLoader):
        """Knows Copier's tag."""

    def include(_: yaml.SafeLoader, node: yaml.ScalarNode) -> list[Any]:
        included = sorted(root.glob(node.value))
        if not included:
            raise SystemExit(f"{path}: there is no {node.value}. Run: git submodule update --init")
        return [each for file in included for each in documents(file, root)]

    Loader.add_constructor("!include", include)
    loaded = list(yaml.load_all(path.read_text(encoding="utf-8"), Loader))
    return [each for document in loaded for each in (document if isinstance(document, list) else [document])]


def schema_of(questions: Questions) -> Json:
    """Describe the answers that Copier takes. Every question has a default, so none is required.

    Raises:
        ValueError: if a condition or a check has a form that is not known here. A schema that lets through what Copier
            refuses would be worse than none.

    """
    schema: Json = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answers for a new Gradio app",
        "description": "What `copier copy --data-file` takes.",
        "type": "object",
        "properties": {},
        "allOf": [],
        "unevaluatedProperties": False,
    }
    for key, question in questions.items():
        when = question.get("when", True)
        if when is False:
            continue
        if when is True:
            schema["properties"][key] = answer_of(key, question)
        else:
            condition = holds_where(str(when), questions)
            then, absent = {"properties": {key: answer_of(key, question)}}, {"not": {"required": [key]}}
            # The last word is for forms that do not know `unevaluatedProperties`.
            schema["allOf"].append({"if": condition, "then": then, "else": absent})
        schema["allOf"] += [{"not": each} for each in refused_choices(key, question, questions)]
    return schema if schema["allOf"] else {name: value for name, value in schema.items() if name != "allOf"}


def answer_of(key: str, question: Json) -> Json:
    """Describe one answer."""
    kind = {"type": TYPES[question["type"]]} if question.get("type") in TYPES else {}
    answer: Json = {"title": key.replace("_", " ").capitalize(), "description": question.get("help", "")}
    if choices := choices_of(question):
        named = [{"const": value, "title": label} for label, value, _ in choices]
        if question.get("multiselect"):
            answer |= {"type": "array", "items": kind | {"oneOf": named}, "uniqueItems": True}
        else:
            answer |= kind | {"oneOf": named}
    else:
        answer |= kind | checks_of(key, question.get("validator", ""))
    return answer | {"default": question["default"]}


def choices_of(question: Json) -> list[tuple[str, Any, str]]:
    """Give label, value and check of each choice, in any of the forms that Copier knows."""
    given = question.get("choices", [])
    pairs = (
        given.items()
        if isinstance(given, dict)
        else [each if isinstance(each, list) else (each, each) for each in given]
    )
    found: list[tuple[str, Any, str]] = []
    for label, choice in pairs:
        whole: Json = choice if isinstance(choice, dict) else {"value": choice}
        found.append((re.sub(r"\s+", " ", str(label)), whole["value"], whole.get("validator", "")))
    return found


def checks_of(key: str, validator: str) -> Json:
    """Turn the checks of a text into keywords: `strip()`, `length` and `regex_search`."""
    checks: Json = {}
    for branch in environment.parse(validator).find_all(nodes.If):
        match branch.test:
            case nodes.Not(node=nodes.Call(node=nodes.Getattr(attr="strip"))):
                checks["pattern"] = r"\S"
            case nodes.Compare(
                expr=nodes.Filter(name="length"), ops=[nodes.Operand(op="gt", expr=nodes.Const(value=most))]
            ):
                checks["maxLength"] = most
            case nodes.Filter(name="regex_search", args=[nodes.Const(value=pattern)]):
                checks["not"] = {"pattern": pattern}
            case nodes.Not(node=nodes.Filter(name="regex_search", args=[nodes.Const(value=pattern)])):
                checks["pattern"] = pattern
            case _:
                raise ValueError(
                    f"{key}: the check in line {branch.lineno} of its validator has no form in JSON Schema yet"
                )
    return checks


def holds_where(template: str, questions: Questions) -> Json:
    """Describe the answers for which a condition renders as true."""
    names, table = evaluate(template, questions)
    return described(names, [values for values, text in table if text.lower() in {"true", "1", "yes"}], questions)


def refused_choices(key: str, question: Json, questions: Questions) -> list[Json]:
    """Describe the answers for which the check of a choice refuses it."""
    found: list[Json] = []
    for _, value, validator in choices_of(question):
        names, table = evaluate(validator, questions) if validator else ([], [])
        if wrong := [values for values, text in table if text]:
            chosen = {"contains": {"const": value}} if question.get("multiselect") else {"const": value}
            found.append({"properties": {key: chosen}, "required": [key], **nested(described(names, wrong, questions))})
    return found


def nested(condition: Json) -> Json:
    """Put a condition beside others."""
    return {"allOf": [condition]} if condition else {}


def evaluate(template: str, questions: Questions) -> tuple[list[str], list[tuple[tuple[Any, ...], str]]]:
    """Render a template for all answers to the questions that it names.

    Raises:
        ValueError: if it names a question whose answers cannot be counted.

    """
    names = sorted(meta.find_undeclared_variables(environment.parse(template)))
    spaces: list[list[Any]] = []
    for name in names:
        question = questions.get(name, {})
        values = [value for _, value, _ in choices_of(question)]
        if question.get("when") is False:
            values = [question["default"]]
        if not values or question.get("multiselect"):
            raise ValueError(f"{template!r} depends on {name!r}, which has no single answer out of a list")
        spaces.append(values)
    compiled = environment.from_string(template)
    rows = itertools.product(*spaces)
    return names, [(row, compiled.render(dict(zip(names, row, strict=True))).strip()) for row in rows]


def described(names: list[str], rows: list[tuple[Any, ...]], questions: Questions) -> Json:
    """Describe answers that are one of these rows; an answer that is left out counts as its default."""
    asked = [place for place, name in enumerate(names) if questions[name].get("when") is not False]
    if len(asked) == 1:
        [name], values = [names[asked[0]]], list(dict.fromkeys(row[asked[0]] for row in rows))
        required = {} if questions[name]["default"] in values else {"required": [name]}
        return {"properties": {name: {"enum": values}}} | required
    cases: list[Json] = []
    for row in dict.fromkeys(tuple(row[place] for place in asked) for row in rows):
        pairs = {names[place]: value for place, value in zip(asked, row, strict=True)}
        given = [name for name, value in pairs.items() if value != questions[name]["default"]]
        case: Json = {"properties": {name: {"const": value} for name, value in pairs.items()}}
        cases.append(case | ({"required": given} if given else {}))
    return {"anyOf": cases} if cases else {"not": {}}


def text_of(schema: Json) -> str:
    """Write a schema."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> None:
    """Write the schema of this template, or print that of another file."""
    if arguments:
        sys.stdout.write(text_of(schema_of(read_questions(Path(arguments[0])))))
    else:
        SCHEMA.write_text(text_of(schema_of(read_questions(ROOT / "copier.yml"))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
