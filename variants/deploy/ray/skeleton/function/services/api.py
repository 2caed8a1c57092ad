"""The function as other programs see it. Plain FastAPI, so that it can be tested without Ray."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.endpoint import EndpointOptions, create_endpoint, problem
from services.model import InputError

Describe = Callable[[str], Awaitable[dict[str, int]]]
"""As `services.model.describe`, elsewhere."""


class Question(BaseModel):
    """What the function takes."""

    text: str


def create_api(describe: Describe, options: EndpointOptions) -> FastAPI:
    """Build the endpoint around the function."""
    app = create_endpoint(options)

    @app.post("/v1/describe")
    async def answer(question: Question) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        try:
            return JSONResponse(await describe(question.text))
        except InputError as error:
            return problem(422, "refused", str(error))

    return app
