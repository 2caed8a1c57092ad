"""The whole application: FastAPI, routes of your own, Gradio mounted at its root, and the layers around it."""

import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, cast

import anyio
import anyio.to_thread
import gradio as gr
from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse

from server import checkup, gradio_adapter, gradio_files
from server.access import passwords as auth_mode
from server.access.identity import StoreDownError, cannot_check
from server.errors import refuse_unfit_values
from server.gate import Gate
from server.gradio_speed import Straight, quicken
from server.logs import RequestLog
from server.page import STAYS_INSIDE, Page, add_logo
from server.refusals import MB, Sentences, refuse_stumbles
from server.routes import OwnRoutes
from server.security import Security
from server.settings import ASSETS, PROJECT_DIR, ServerSettings
from server.work import Bounds, Work

Job = Callable[[], object]
"""A plain function, or one that is awaited."""
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any] | None]]


def create_app(  # noqa: PLR0913 (a hook for each thing that is yours)
    demo: gr.Blocks,
    settings: ServerSettings,
    *,
    page: Page | None = None,
    theme: gr.Theme | None = None,
    routers: Iterable[APIRouter] = (),
    lifespan: Lifespan | None = None,
    warm_up: Job | None = None,
    close: Job | None = None,
) -> FastAPI:
    """Build the whole application around a Gradio app.

    Args:
        demo: The Gradio app, with its queue set.
        settings: The settings.
        page: Styles, scripts, theme and translations of the page.
        theme: The project's own, which is used while `APP_THEME` is `default` and `page` names none.
        routers: Routes of your own, which come before Gradio's. `server/routes.py` has the rules about who may come.
        lifespan: An async context manager around everything that is served; `/readyz` says no until it is entered. What
            it yields is in `request.state` of routes, and in `request.request.state` of handlers.
        warm_up: Called once at start, in a thread unless it is a coroutine function; `/readyz` waits for it too.
        close: Called once when the server has stopped.

    Raises:
        SystemExit: one line that says what to change.

    """
    checkup.refuse(demo)
    page = page or Page()
    access, work = auth_mode.build_access(settings), Work(demo, settings)
    life = Life(lifespan, warm_up, close, access.close)
    app = FastAPI(title=settings.title, docs_url=None, redoc_url=None, openapi_url=None, lifespan=life.run)
    app.state.work, app.state.demo, app.state.access, app.state.life = work, demo, access, life
    app.add_middleware(Straight, demo=demo)  # the innermost layer
    app.add_middleware(Sentences, demo=demo)
    app.add_middleware(Bounds, settings=settings, work=work)
    life.beside.append(work.bounded.sweep)
    add_probes(app, work, life)
    access.add_routes(app)
    ours = len(app.router.routes)
    head = [STAYS_INSIDE]
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(StoreDownError, cannot_check)
    access.add_to_page(demo)
    head += [add_logo(demo, settings)] if settings.logo else []

    own = OwnRoutes(app.router.routes[ours:])

    # The last one added is the outermost. Gradio answers cross-site requests by itself unless its parent has this
    # middleware, also with nothing allowed.
    app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, allow_methods=["GET", "POST"])
    mount(app, demo, settings, page.completed(demo).options(settings, head, theme))
    work.bounded.apply(demo, settings)
    access.know_page(demo.config)
    needs = checkup.needs_of_eval(demo)
    life.findings = checkup.look(demo, settings, page, needs)
    if settings.deep_links:
        app.add_middleware(gradio_files.DeepLinks, ttl=settings.file_ttl)
    app.add_middleware(
        Gate,
        settings=settings,
        work=work,
        access=access,
        own=own,
        security=Security(settings, may_eval=checkup.may_eval(needs, settings), devices=checkup.devices(demo)),
    )
    app.add_middleware(RequestLog)
    return app


class Life:
    """What happens between the first and the last request."""

    def __init__(self, lifespan: Lifespan | None, warm_up: Job | None, *close: Job | None) -> None:
        """Keep what was given to `create_app`; `close` is called in this order."""
        self.lifespan, self.warm_up = lifespan, warm_up
        self.close = [job for job in close if job is not None]
        self.is_ready = False
        self.on_ready: list[Callable[[], object]] = []
        """Called when everything is warm."""
        self.beside: list[Callable[[], Coroutine[Any, Any, object]]] = []
        """Runs as long as the app does."""
        self.findings: list[checkup.Finding] = []
        """Logged at start."""

    @asynccontextmanager
    async def run(self, app: FastAPI) -> AsyncGenerator[Mapping[str, Any]]:
        """Enter what the app brings, warm up beside the first requests, and leave in the opposite order."""
        self.is_ready = False
        checkup.report(self.findings)
        async with AsyncExitStack() as stack:
            for job in reversed(self.close):
                stack.push_async_callback(call, job)
            state = await stack.enter_async_context(self.lifespan(app)) if self.lifespan else None
            async with anyio.create_task_group() as tasks:
                for job in (self.prepare, *self.beside):
                    tasks.start_soon(job)
                yield state or {}
                tasks.cancel_scope.cancel()

    async def prepare(self) -> None:
        """Warm up; from then on the app is ready."""
        if self.warm_up is not None:
            await call(self.warm_up)
        for job in self.on_ready:
            job()
        self.is_ready = True


async def call(job: Job) -> None:
    """Await a coroutine function, and call any other in a thread."""
    if inspect.iscoroutinefunction(job):
        await job()
    else:
        await anyio.to_thread.run_sync(job)


def add_probes(app: FastAPI, work: Work, life: Life) -> None:
    """Tell whether the process lives, and whether to send it visitors."""

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        state = "stopping" if work.stopping else "ready" if life.is_ready else "starting"
        return JSONResponse({"status": state}, 200 if state == "ready" else 503)


def mount(app: FastAPI, demo: gr.Blocks, settings: ServerSettings, page: dict[str, Any]) -> None:
    """Mount the page behind everything else, closed where Gradio's defaults are open."""
    gradio_files.guard_files()
    public = [ASSETS, *settings.public_folders]
    cast("Any", gr.mount_gradio_app)(
        app,
        demo,
        path="",
        root_path=settings.root_path or None,
        show_error=False,
        max_file_size=settings.max_upload_mb * MB,
        allowed_paths=[gradio_files.PublicFolder(folder) for folder in public],
        blocked_paths=[str(PROJECT_DIR)],
        enable_monitoring=False,
        run_history=False,
        ssr_mode=False,
        auth_dependency=app.state.access.name_of if app.state.access.known_only else None,
        mcp_server=False,
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        **page,
    )
    gradio_adapter.mark_as_launched(demo)
    gradio_adapter.set_icon(demo, PROJECT_DIR / settings.logo if settings.logo else None)
    gradio_adapter.share_sessions(demo, app)
    refuse_stumbles(cast("FastAPI", demo.app))
    refuse_unfit_values(demo)
    gradio_files.start_without_examples(demo)
    quicken(demo)
