"""The model as other programs see it. Plain FastAPI, so that it can be tested without Ray."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import numpy as np
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.endpoint import EndpointOptions, create_endpoint, problem
from services.model import INK_LEVELS, SIZE, Bitmap, Scores

Predict = Callable[[list[Bitmap]], Awaitable[list[Scores]]]
"""As `services.model.predict`, elsewhere."""
Ink = Annotated[float, Field(ge=0, le=INK_LEVELS)]


class Question(BaseModel):
    """Some bitmaps, each of 64 amounts of ink."""

    items: list[Annotated[list[Ink], Field(min_length=SIZE * SIZE, max_length=SIZE * SIZE)]] = Field(min_length=1)


def create_api(predict: Predict, options: EndpointOptions, max_batch: int) -> FastAPI:
    """Build the endpoint around a model that takes at most `max_batch` items in a request."""
    app = create_endpoint(options)

    @app.post("/v1/predict")
    async def answer(question: Question) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        if len(question.items) > max_batch:
            return problem(413, "too_large", f"At most {max_batch} items fit into a request.")
        bitmaps = [np.array(item, dtype=np.float64) for item in question.items]
        return JSONResponse({"results": await predict(bitmaps)})

    return app
