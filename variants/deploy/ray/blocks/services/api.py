"""The statistics as other programs see them. Plain FastAPI, so that it can be tested without Ray."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, Self

import pandas as pd
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, model_validator

from services.endpoint import EndpointOptions, create_endpoint, problem
from services.model import kind_of

Summarise = Callable[[pd.DataFrame], Awaitable[pd.DataFrame]]
"""As `services.model.summarise`, elsewhere."""
DTYPES = {"number": "float64", "yes/no": "bool", "text": "str"}


class Numbers(BaseModel):
    """A column of numbers; null where there is none."""

    name: str
    kind: Literal["number"]
    values: list[Annotated[int, Field(ge=-(2**63), lt=2**63)] | float | None]


class Flags(BaseModel):
    """A column of truths, which has no gaps."""

    name: str
    kind: Literal["yes/no"]
    values: list[bool]


class Texts(BaseModel):
    """A column of text, or of dates in the form of ISO 8601; null where there is none."""

    name: str
    kind: Literal["text", "date"]
    values: list[str | None]


class Table(BaseModel):
    """A table that travels as JSON, column by column."""

    columns: list[Annotated[Numbers | Flags | Texts, Field(discriminator="kind")]] = Field(min_length=1)

    @model_validator(mode="after")
    def refuse_what_is_no_table(self) -> Self:
        """Hold the columns against each other."""
        if len({len(column.values) for column in self.columns}) > 1:
            raise ValueError("the columns have different lengths")
        if len({column.name for column in self.columns}) < len(self.columns):
            raise ValueError("two columns have the same name")
        return self

    def frame(self) -> pd.DataFrame:
        """Give the frame that `packed` was given.

        Raises:
            ValueError: if what should be a date is none.

        """
        return pd.DataFrame({column.name: series(column) for column in self.columns})


def series(column: Numbers | Flags | Texts) -> "pd.Series[Any]":
    """Give one column its type.

    Raises:
        ValueError: if a date is none.

    """
    values = list(column.values)
    if column.kind == "date":
        return pd.to_datetime(pd.Series(values, dtype="str"), format="ISO8601")
    filled = [value for value in values if value is not None]
    if column.kind == "number" and filled and all(isinstance(value, int) for value in filled):
        return pd.Series(values, dtype="int64" if len(filled) == len(values) else "Int64")
    return pd.Series(values, dtype=DTYPES[column.kind])


def packed(frame: pd.DataFrame) -> dict[str, list[dict[str, object]]]:
    """Make of a frame what becomes JSON: a `Table`."""
    columns: list[dict[str, object]] = []
    for name in frame.columns:
        column, kind = frame[name], kind_of(frame[name])
        if kind == "date":
            column = column.map(pd.Timestamp.isoformat, na_action="ignore")
        if kind == "text":
            column = column.map(str, na_action="ignore")
        values = column.astype("object").where(frame[name].notna(), None).tolist()
        columns.append({"name": str(name), "kind": kind, "values": values})
    return {"columns": columns}


def create_api(summarise: Summarise, options: EndpointOptions) -> FastAPI:
    """Build the endpoint around the statistics."""
    app = create_endpoint(options)

    @app.post("/v1/summarise")
    async def answer(table: Table) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        try:
            frame = table.frame()
        except ValueError:
            return problem(422, "invalid_request", "body.columns: what should be a date is none.")
        summary = await summarise(frame)
        return JSONResponse({"rows": summary.to_dict("records")})

    return app
