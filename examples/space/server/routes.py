"""Routes of your own, and who may come to them.

The gate takes the rules from the routes themselves: their paths with parameters, their methods, and the rules among
their dependencies. Put a rule on a whole router or on one route:

    router = APIRouter(prefix="/reports", dependencies=[group("staff")])

    @router.get("/health", dependencies=[anyone])

Without a rule, whoever may use the page may come.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastapi import Depends, HTTPException, Request
from fastapi.params import Depends as Rule
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, compile_path

from server.access.identity import current_user


def open_to_all() -> None:
    """Let everybody in: the gate asks for no sign-in where it finds this."""


def only_programs(request: Request) -> None:
    """Let programs in that have a key of `APP_API_KEYS`.

    Raises:
        HTTPException: 403 for everybody else.

    """
    if current_user(request).source != "key":
        raise HTTPException(403, "This is for programs with a key. See APP_API_KEYS.")


anyone: Rule = Depends(open_to_all)
"""No sign-in, in any auth mode. The rule nearest to the route cannot take it back."""
programs: Rule = Depends(only_programs)
"""Programs with a key."""


def group(*names: str) -> Rule:
    """Let in users who are in one of these groups of their account; in mode `none` nobody is in any."""

    def only_members(request: Request) -> None:
        if not set(names) & set(current_user(request).groups):
            raise HTTPException(403, f"This is for members of: {', '.join(names)}.")

    return Depends(only_members)


@dataclass(frozen=True)
class OwnRoute:
    """One route as the gate sees it."""

    path: re.Pattern[str]
    methods: frozenset[str]
    """Empty for a mounted application, which takes what comes."""
    is_public: bool

    def takes(self, method: str, path: str) -> bool:
        """Tell whether a request is for this route."""
        return (not self.methods or method in self.methods) and self.path.match(path) is not None


class OwnRoutes:
    """All routes of your own."""

    def __init__(self, routes: Sequence[BaseRoute] = ()) -> None:
        """Read the rules.

        Raises:
            SystemExit: one line, if a route would hide the page or what it is made of.

        """
        self.routes = [own_route(context) for context in iter_route_contexts(routes)]
        for method, path in (("GET", "/"), ("GET", "/config"), ("POST", "/gradio_api/queue/join"), ("GET", "/healthz")):
            if self.find(method, path) is not None:
                raise SystemExit(f"A route of your own takes {path}, which the page needs. Give your router a prefix.")

    def find(self, method: str, path: str, *, preflight: bool = False) -> OwnRoute | None:
        """Find the route of a request. A browser's question before one (OPTIONS) is about any method."""
        for route in self.routes:
            if route.takes(method, path) or (preflight and route.path.match(path)):
                return route
        return None


def own_route(context: object) -> OwnRoute:
    """Read one route: FastAPI's, Starlette's, or a mounted application."""
    path, methods = str(getattr(context, "path", "")), getattr(context, "methods", None) or ()
    route = getattr(context, "original_route", None)
    pattern, _, _ = compile_path(path + "/{path:path}" if isinstance(route, Mount) else path)
    rules: Iterable[Rule] = getattr(context, "dependencies", None) or ()
    is_public = any(rule.dependency is open_to_all for rule in rules)
    return OwnRoute(pattern, frozenset(methods), is_public)
