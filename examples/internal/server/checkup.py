"""What on this page will not work with the settings as they are, and the setting or hook that helps.

It looks at the config that Gradio sends to browsers. What `gr.render` makes later is not in it.
"""

import inspect
import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from server import gradio_adapter
from server.errors import GUARDED
from server.foreign import Load, foreign_loads, in_examples, lets_in
from server.page import Page
from server.security import content_sources
from server.settings import ServerSettings, is_loopback

if TYPE_CHECKING:
    import gradio as gr

log = logging.getLogger("app.checkup")

WITHOUT_EVAL = {
    "html": "shows nothing",
    "nativeplot": "is not drawn",
    "imageeditor": "does not work",
}
"""What happens to components whose scripts evaluate strings, where the content policy forbids that."""
FILMS = frozenset({"video", "gallery"})
"""What takes sound along when it takes pictures."""
Needs = dict[str, str]
"""What evaluates strings as code, each with what happens where that is forbidden."""
SIGNED_IN = re.compile(r"\bOAuth(Profile|Token)\b")
"""Types by which Gradio tells a handler who signed in."""
RECORDERS = frozenset({"webcam", "microphone"})
"""Sources of a component for which a browser asks its visitor."""
NAMED = 5
"""So many causes are named in one line."""


class Weight(Enum):
    """How sure it is that something is wrong."""

    NOTE = logging.INFO
    """Good to know."""
    DOUBT = logging.WARNING
    """May be meant so; a check passes with it."""
    PROBLEM = logging.ERROR
    """Will not work."""


@dataclass(frozen=True)
class Finding:
    """One line about the page."""

    text: str
    weight: Weight = Weight.PROBLEM

    @property
    def is_problem(self) -> bool:
        """Tell whether something will not work."""
        return self.weight is Weight.PROBLEM


def refuse(demo: "gr.Blocks") -> None:
    """Refuse a page that would be open here although its author closed it.

    Raises:
        SystemExit: one line that says what to choose.

    """
    if gradio_adapter.has_auth(demo):
        raise SystemExit(
            "demo.auth is not read here, and without it everybody could come in. Take it away, and choose an auth mode "
            "instead: uvx copier update -d auth_mode=password"
        )


def look(demo: "gr.Blocks", settings: ServerSettings, page: Page, needs: Needs) -> list[Finding]:
    """Look over a page that is mounted; `page` is what `create_app` was given, `needs` comes from `needs_of_eval`."""
    return [
        *about_looks(demo, page),
        *about_eval(demo, settings, needs),
        *about_sites(demo, settings, needs),
        *about_limits(demo, settings),
        *about_recording(demo, settings),
        *about_links(demo, settings),
        *about_sign_in(demo),
        *about_names(demo),
        *about_errors(demo),
    ]


def report(findings: Iterable[Finding]) -> None:
    """Log each finding."""
    for finding in findings:
        log.log(min(finding.weight.value, logging.WARNING), finding.text)


def check(findings: Iterable[Finding]) -> int:
    """Write each finding to the standard output, and give the exit code: 1 if something will not work."""
    found = list(findings)
    for finding in found:
        sys.stdout.write(f"{finding.weight.name.lower()}: {finding.text}\n")
    problems = sum(finding.is_problem for finding in found)
    sys.stdout.write(f"{problems or 'no'} problem{'' if problems == 1 else 's'} found\n")
    return 1 if problems else 0


def name_of(part: dict[str, Any]) -> str:
    """Name a component of the config as its author knows it."""
    props = part["props"]
    name = props.get("label") or props.get("elem_id")
    return f"{part['type']} {name!r}" if name else f"{part['type']} (component {part['id']})"


def shortened(names: list[str]) -> str:
    """Join names, but not all of many."""
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")


# WHAT GRADIO 5 TOOK ELSEWHERE


def about_looks(demo: "gr.Blocks", page: Page) -> list[Finding]:
    """Say which arguments of `gr.Blocks` are used, and which are not because `Page` brings the same."""
    found: list[Finding] = []
    for name in gradio_adapter.looks_of(demo):
        place = f"page=Page({name}=...) of create_app"
        if getattr(page, name) is None:
            found.append(Finding(f"{name}= of gr.Blocks is used; its place is {place}", Weight.NOTE))
        else:
            found.append(Finding(f"{name}= of gr.Blocks is not used, because {place} is: put both there"))
    return found


# SCRIPTS THAT EVALUATE STRINGS


def needs_of_eval(demo: "gr.Blocks") -> Needs:
    """Look through what is on the page, and its events."""
    config = gradio_adapter.config_of(demo)
    found = {name_of(part): WITHOUT_EVAL[part["type"]] for part in config["components"] if part["type"] in WITHOUT_EVAL}
    found |= {name_of(part): "is not drawn" for part in config["components"] if may_be_of_altair(part)}
    for event in config["dependencies"]:
        if event.get("js"):
            found[f"event {event['api_name']} (js=)"] = "keeps the page at 'Loading'"
    return found | ({"the js= of the page": "does not run"} if config.get("js") else {})


def may_be_of_altair(part: dict[str, Any]) -> bool:
    """Tell whether a component is a plot of Altair, or one whose first value may come from it: the package is there."""
    value = part["props"].get("value")
    return part["type"] == "plot" and (value["type"] == "altair" if value else find_spec("altair") is not None)


def may_eval(needs: Needs, settings: ServerSettings) -> bool:
    """Tell whether the content policy allows to evaluate strings: as it is set, or else as the page needs it."""
    return bool(needs) if settings.allow_eval is None else settings.allow_eval


def about_eval(demo: "gr.Blocks", settings: ServerSettings, needs: Needs) -> list[Finding]:
    """Say what the policy allows because the page needs it, or what does not work because it does not."""
    if may_eval(needs, settings):
        text = f"the content policy allows 'unsafe-eval' for {shortened(list(needs))}. APP_ALLOW_EVAL=false forbids it"
        return [Finding(text, Weight.NOTE)] if settings.allow_eval is None else []
    cure = "without 'unsafe-eval': set APP_ALLOW_EVAL=true"
    found = [Finding(f"{name} {effect} {cure}") for name, effect in needs.items()]
    if gradio_adapter.renders_later(demo):
        kinds = ", ".join(WITHOUT_EVAL)
        text = f"gr.render makes parts that nobody can see at start: if there is js= or one of {kinds} among them"
        found.append(Finding(f"{text}, set APP_ALLOW_EVAL=true", Weight.NOTE))
    return found


# WHAT THE PAGE MAY ASK FOR


def devices(demo: "gr.Blocks") -> set[str]:
    """Name the devices of a visitor that something on the page is made for: its camera, its microphone.

    Of what `gr.render` makes later, and of components that are not Gradio's own, nobody knows.
    """
    foreign = any(not type(block).__module__.startswith("gradio.") for block in demo.blocks.values())
    if foreign or gradio_adapter.renders_later(demo):
        return {"camera", "microphone"}
    found: set[str] = set()
    for part in gradio_adapter.config_of(demo)["components"]:
        sources = part["props"].get("sources") or ()
        if "webcam" in sources and part["props"].get("interactive") is not False:
            found |= {"camera", "microphone"} if part["type"] in FILMS else {"camera"}
        if "microphone" in sources and part["props"].get("interactive") is not False:
            found.add("microphone")
    return found


# OTHER SITES


def about_sites(demo: "gr.Blocks", settings: ServerSettings, needs: Needs) -> list[Finding]:
    """Name the sites that the page loads from and the content policy keeps out, in one line for each."""
    config, sources = gradio_adapter.config_of(demo), content_sources(settings, may_eval=may_eval(needs, settings))
    own = {*settings.allowed_hosts, urlsplit(settings.root_path).hostname}

    def kept_out(loads: Iterable[Load], weight: Weight) -> Iterator[Finding]:
        by: dict[tuple[str, str], list[str]] = {}
        for load in loads:
            allowed = sources.get(load.directive, sources["default-src"])
            if urlsplit(load.url).hostname not in own and not any(lets_in(source, load.url) for source in allowed):
                names = by.setdefault((load.directive, load.site), [])
                names += {name_of(load.part) if load.part else "the page"} - {*names}
        for (directive, site), names in by.items():
            value = json.dumps({directive: [site]})
            cure = f"APP_CONTENT_SOURCES='{value}' lets it in, a file in assets/ needs nothing"
            yield Finding(f"{site} is kept out, which {shortened(names)} may load: {cure}", weight)

    return [*kept_out(foreign_loads(config), Weight.PROBLEM), *kept_out(in_examples(config), Weight.DOUBT)]


# LIMITS


def about_limits(demo: "gr.Blocks", settings: ServerSettings) -> list[Finding]:
    """Say where the page itself offers more than the limits let through."""
    config, limit = gradio_adapter.config_of(demo), settings.max_request_kb * 1000
    parts = {part["id"]: part for part in config["components"]}
    found: list[Finding] = []
    for part in parts.values():
        longest = part["props"].get("max_length")
        if part["type"] in {"textbox", "multimodaltextbox"} and longest and longest > limit:
            text = f"{name_of(part)} takes {longest} characters, and a request {limit} bytes: raise APP_MAX_REQUEST_KB"
            found.append(Finding(f"{text}, or lower max_length"))
    sizes = {
        number: len(json.dumps(part["props"].get("value"), default=str))
        for number, part in parts.items()
        if part["type"] != "state"  # which stays here
    }
    for event in config["dependencies"]:
        size = sum(sizes.get(number, 0) for number in event["inputs"])
        if event["backend_fn"] and size > limit:
            text = f"event {event['api_name']} sends {size} bytes as the page opens, and a request may have {limit}"
            found.append(Finding(f"{text}: raise APP_MAX_REQUEST_KB, or keep the value in gr.State"))
    if not gradio_adapter.has_bounded_queue(demo):
        text = "any number of events may wait: call demo.queue(**queue_options(settings)) of server.queueing"
        found.append(Finding(text, Weight.DOUBT))
    return found


# CAMERAS, MICROPHONES AND LINKS


def about_recording(demo: "gr.Blocks", settings: ServerSettings) -> Iterator[Finding]:
    """Say where browsers keep camera and microphone shut: on a page without https, and in a frame of another site."""
    sources: dict[str, set[str]] = {}
    for part in gradio_adapter.config_of(demo)["components"]:
        given = set(cast("list[str]", part["props"].get("sources") or []))
        if part["props"].get("interactive") is not False and given & RECORDERS:
            sources[name_of(part)] = given
    address = urlsplit(settings.root_path)
    if address.scheme == "http" and not is_loopback(address.hostname or ""):
        cure = f"browsers open none without https: let APP_ROOT_PATH be https://{address.netloc}, and serve it there"
        for name, given in sources.items():
            weight = Weight.DOUBT if given - RECORDERS else Weight.PROBLEM
            yield Finding(f"{name} takes a camera or a microphone, and {cure}", weight)
    if sources and settings.frame_ancestors:
        text = f"in a frame of {', '.join(settings.frame_ancestors)}, {shortened([*sources])} can record only if it has"
        yield Finding(f'{text} allow="camera; microphone"', Weight.NOTE)


def about_links(demo: "gr.Blocks", settings: ServerSettings) -> Iterator[Finding]:
    """Name the buttons for links that are not made."""
    if not settings.deep_links:
        for name in gradio_adapter.buttons(demo, "DeepLinkButton"):
            cure = "set APP_DEEP_LINKS=true, or leave it out (deep_link=False of gr.Interface)"
            yield Finding(f"the button {name!r} makes links to the page, which are off: {cure}")


# HANDLERS


def about_sign_in(demo: "gr.Blocks") -> Iterator[Finding]:
    """Name what waits for a sign-in of Gradio's own, which is not there: buttons, and handlers that ask for it."""
    for name in gradio_adapter.buttons(demo, "LoginButton"):
        cure = "leave it out, and let people in by the auth mode: uvx copier update -d auth_mode=huggingface"
        yield Finding(f"the button {name!r} signs nobody in: {cure}")
    asking: set[str] = set()
    for event in gradio_adapter.events(demo).values():
        if callable(event.fn) and any(SIGNED_IN.search(hint) for hint in hints_of(event.fn)):
            asking.add(gradio_adapter.handler_name(event))
    if asking:
        text = f"gr.OAuthProfile and gr.OAuthToken (of {shortened(sorted(asking))}) are of nobody here"
        yield Finding(f"{text}: take request: gr.Request, and current_user(request) of server.access.identity")


def hints_of(function: Any) -> list[str]:  # noqa: ANN401 (whatever the page's author wrote)
    """Give the types of a function's arguments, written out; a builtin may have none."""
    try:
        return [str(each.annotation) for each in inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return []


def about_errors(demo: "gr.Blocks") -> list[Finding]:
    """Name the handlers whose errors visitors cannot report."""
    names = gradio_adapter.handlers_without(demo, GUARDED)
    if not names:
        return []
    text = f"an error in {shortened(names)} is 'Error' on the page, and has no id in the log"
    return [Finding(f"{text}: put the handler behind boundary() of server.errors", Weight.NOTE)]


def about_names(demo: "gr.Blocks") -> list[Finding]:
    """Name private events that were given a name for programs, which cannot call them."""
    return [
        Finding(f'event {name} is private, so no program can call it by its name: api_visibility="public"', Weight.NOTE)
        for name in gradio_adapter.named_private_events(demo)
    ]
