"""What the bodies of requests and answers hold, read in the one way in which they can be read.

Whose things a request names is decided before Gradio reads it. So that both understand the same bytes, a body that two
programs could read differently is refused: it has to be plain JSON, or, where files are taken, one plain form. What it
names is then held against what the page has, for Gradio takes it as given.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from server import gradio_adapter
from server.asked import Asked, Kind, asked

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import Message, Scope

JSON = re.compile(r'application/json(\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
FORM = re.compile(r"""multipart/form-data\s*;\s*boundary=("[\w'()+,./:=? -]{1,70}"|[\w'+./=-]{1,70})""", re.ASCII)
"""In small letters: Gradio compares them."""
ODD = re.compile(rb"\\u[dD][89a-fA-F]|\d{19}|[eE]\+?\d{3}")
"""Where half a character, or a number that is too large for most programs, may be."""
LARGEST = 2**63
DEEPEST = 100
"""So many lists or objects within each other are read."""
IDS = ("session_hash", "event_id", "upload_id")
CHANGE = 3
"""Parts of a change in a stream: what to do, where, and the new value."""


class UnreadableError(ValueError):
    """A body that can be read in several ways, or in none. Its text is for whoever sent it."""

    def __init__(self, text: str, status: int = 400) -> None:
        """Say what is wrong, and with which status to answer."""
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Body:
    """What a request holds."""

    ids: frozenset[str] = frozenset()
    """Sessions, events and uploads that are named."""
    files: frozenset[str] = frozenset()
    """Paths of files that are named."""
    fields: dict[str, Any] = field(default_factory=dict)
    """The object, or the texts of the form."""


def is_form(scope: "Scope") -> bool:
    """Tell from the head whether the body is a form, and not JSON.

    Raises:
        UnreadableError: if it says that it is neither of the two, or not the one that is taken here.

    """
    wanted, given = asked(scope), Headers(scope=scope).getlist("content-type")
    kind = given[0] if len(given) == 1 else ""
    if wanted.takes_files and FORM.fullmatch(kind):
        return True
    if wanted.kind is Kind.UPLOAD:
        raise UnreadableError("Send files as multipart/form-data with a boundary and nothing else.", 415)
    if not JSON.fullmatch(kind):
        raise UnreadableError("Send JSON and say so: Content-Type: application/json", 415)
    return False


async def read(scope: "Scope", body: bytes) -> Body:
    """Read a body.

    Raises:
        UnreadableError: if that can be done in several ways, or in none.

    """
    if is_form(scope):
        fields = await read_form(scope, body)
        return Body(ids_in(fields), fields=fields)
    found = read_json(body)
    if not isinstance(found, dict):
        raise UnreadableError("Send a JSON object.")
    fields = cast("dict[str, Any]", found)
    return Body(frozenset() if asked(scope).by_name else ids_in(fields), frozenset(files_in(fields, DEEPEST)), fields)


def read_json(body: bytes) -> object:
    """Read JSON in UTF-8, without a mark in front, with each name once and with numbers that are some.

    Raises:
        UnreadableError: if it is anything else.

    """
    try:
        text = body.decode()
        found = json.loads(text, object_pairs_hook=each_once, parse_constant=no_number)
        if ODD.search(body):
            json.loads(text, parse_int=within_bounds, parse_float=within_bounds)
            json.dumps(found, ensure_ascii=False).encode()
    except UnreadableError:
        raise
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "it is no text in UTF-8, or nested too deep"
        raise UnreadableError(f"This is no JSON: {reason}.") from None
    return found


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object.

    Raises:
        UnreadableError: if a name stands in it twice: programs differ in which of the two counts.

    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableError("A name stands twice in one object of this JSON.")
    return found


def no_number(name: str) -> None:
    """Refuse `NaN` and the infinities, which are no JSON.

    Raises:
        UnreadableError: always.

    """
    raise UnreadableError(f"{name} is no number in JSON. Send null.")


def within_bounds(text: str) -> None:
    """Refuse a number that does not fit into 64 bits.

    Raises:
        UnreadableError: if it does not.

    """
    number = float(text) if re.search(r"[.eE]", text) else int(text)
    if not math.isfinite(number) or (isinstance(number, int) and abs(number) >= LARGEST):
        raise UnreadableError("A number is too large. Send it as a text.")


async def read_form(scope: "Scope", body: bytes) -> dict[str, Any]:
    """Give the texts of a form.

    Raises:
        UnreadableError: if it is broken, or names a text twice.

    """

    async def receive() -> "Message":
        return {"type": "http.request", "body": body}

    plain = {name: value for name, value in scope.items() if name != "app"}  # with it, errors become answers
    try:
        async with Request(plain, receive).form() as form:
            texts = [(name, value) for name, value in form.multi_items() if not isinstance(value, UploadFile)]
    except MultiPartException as error:
        raise UnreadableError(f"This form is broken: {error.message}") from None
    fields: dict[str, Any] = dict(texts)
    if len(fields) != len(texts):
        raise UnreadableError("A name stands twice in this form.")
    return fields


def ids_in(fields: dict[str, Any]) -> frozenset[str]:
    """Give the ids that a body names.

    Raises:
        UnreadableError: if one is no text.

    """
    found = {name: fields[name] for name in IDS if fields.get(name) is not None}
    for name, value in found.items():
        if not isinstance(value, str):
            raise UnreadableError(f"{name} has to be a text.")
    return frozenset(value for value in found.values() if value)


def files_in(value: object, deepest: float = math.inf) -> Iterator[str]:
    """Find the paths of Gradio's file objects in a value, however deep, and where a stream sends what has changed.

    Raises:
        UnreadableError: if more than `deepest` lists and objects lie within each other.

    """
    level, depth = [value], 0
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                fields = cast("dict[str, Any]", item)
                below += fields.values()
                if isinstance(path := fields.get("path"), str):
                    yield path
            elif isinstance(item, list):
                entries = cast("list[Any]", item)
                below += entries
                if len(entries) == CHANGE and isinstance(entries[1], list) and entries[1][-1:] == ["path"]:
                    yield str(entries[2])
        level, depth = below, depth + 1
        if depth > deepest:
            raise UnreadableError(f"More than {deepest} lists and objects lie within each other.")


# WHAT THE PAGE HAS


def fit(demo: "gr.Blocks", wanted: Asked, body: Body) -> None:
    """Hold what a request names against what the page has.

    Raises:
        UnreadableError: if there is no such event or component, or if it takes other inputs.

    """
    if wanted.by_name:
        fit_names(demo, wanted.event, body.fields)
    elif wanted.starts_event:
        fit_event(demo, wanted, body.fields)
    elif wanted.kind is Kind.COMPONENT:
        fit_component(demo, body.fields)


def fit_names(demo: "gr.Blocks", event: str, given: dict[str, Any]) -> None:
    """Hold inputs by name against those of an event.

    Raises:
        UnreadableError: if one is missing, or unknown.

    """
    inputs = gradio_adapter.named_inputs(demo, event)
    if inputs is None:
        raise UnreadableError(f"There is no event {event!r} here.", 404)
    unknown = [name for name in given if name not in {*inputs, "oauth_token"}]
    missing = [name for name, may_be_left_out in inputs.items() if not may_be_left_out and name not in given]
    if unknown or missing:
        wrong = f"not {unknown[0]!r}" if unknown else f"and {missing[0]!r} is missing"
        raise UnreadableError(f"The event {event!r} takes {', '.join(inputs) or 'no inputs'}, {wrong}.", 422)


def fit_event(demo: "gr.Blocks", wanted: Asked, fields: dict[str, Any]) -> None:
    """Hold the number of inputs against those of an event.

    Raises:
        UnreadableError: if there are too few, or no such event.

    """
    known = gradio_adapter.parts_of(demo, fields.get("session_hash") or "").fns
    number = None if wanted.event else fields.get("fn_index")
    if wanted.event:
        event = next((one for one in known.values() if one.api_name == wanted.event), None)
    elif type(number) is int:
        event = known.get(number)
    else:
        raise UnreadableError("fn_index has to be the number of an event.", 422)
    if event is None:
        raise UnreadableError(f"There is no event {wanted.event or number!r} here.", 404)
    given, needed = fields.get("data"), len(event.inputs)
    if not isinstance(given, list):
        raise UnreadableError("data has to be a list of inputs.", 422)
    count = len(cast("list[Any]", given))
    sent_by_programs = sum(not part.skip_api for part in event.inputs)
    if count < needed and not event.cancels and not (wanted.event and count == sent_by_programs):
        raise UnreadableError(f"This event takes {needed} inputs, not {count}.", 422)


def fit_component(demo: "gr.Blocks", fields: dict[str, Any]) -> None:
    """Find the component that a request is for.

    Raises:
        UnreadableError: if there is none.

    """
    session, function, number = (fields.get(name) for name in ("session_hash", "fn_name", "component_id"))
    if isinstance(number, str) and number.isdecimal():  # as in a form
        number = int(number[:20])
    if not (isinstance(session, str) and isinstance(function, str) and type(number) is int):
        raise UnreadableError("session_hash, fn_name and component_id are needed.", 422)
    if number not in gradio_adapter.parts_of(demo, session).blocks:
        raise UnreadableError(f"There is no component {number} here.", 404)


# ANSWERS


def event_in(answer: bytes) -> str:
    """Give the id of the event that an answer says it has begun."""
    return str(json.loads(answer)["event_id"]) if b'"event_id"' in answer else ""


def files_of(answer: bytes) -> set[str]:
    """Give the paths of the files that an answer hands out. Gradio sends each message of a stream in one piece."""
    if not (b'"path"' in answer or answer.startswith(b"[")):
        return set()
    lines = [line.removeprefix(b"data: ") for line in answer.splitlines()]
    values = [json.loads(line) for line in lines if line[:1] in {b"{", b"["}]
    uploads = [name for name in values[0] if isinstance(name, str)] if answer.startswith(b"[") else []
    return {*uploads, *files_in(values)}
