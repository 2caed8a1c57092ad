"""The model behind Ray Serve: `uv run --env-file serve.env --group serve serve run serve_config.yaml`.

Ray runs the model of `services/model.py`, in as many processes as `serve_config.yaml` says, and not the page.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial

from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayActorError
from ray.serve import Application
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle

from services.api import create_api
from services.endpoint import EndpointOptions, NoAnswerError, QueueFullError
from services.model import load_model
from services.protocol import Message, Piece
from utils.settings import get_settings

GONE = (RayActorError, DeploymentUnavailableError, ReplicaUnavailableError)


@serve.deployment
class Model:
    """One replica of the model."""

    def __init__(self) -> None:
        """Load the model of this process: a server that `APP_MODEL_URL` names would be this one."""
        self.model = load_model(None, get_settings().embedded_delay)
        self.model.warm_up()

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[Piece]:
        """Answer piece by piece. Ray closes this generator when whoever asked has gone."""
        async with aclosing(self.model.stream(messages, max_tokens)) as pieces:
            async for piece in pieces:
                yield piece


async def stream(replicas: DeploymentHandle, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[Piece]:
    """Ask one of the replicas.

    Raises:
        QueueFullError: if `max_queued_requests` wait already.
        NoAnswerError: if the replica has died.

    """
    answer = replicas.options(stream=True).stream.remote(messages, max_tokens)
    try:
        async for piece in answer:
            yield piece
    except BackPressureError as error:
        raise QueueFullError from error
    except GONE as error:
        raise NoAnswerError from error
    except (asyncio.CancelledError, GeneratorExit):
        answer.cancel()
        raise


{% set ask, more = 'stream', ', settings.max_tokens, settings.model_name' %}{% include root ~ 'variants/deploy/ray/shared/serve_app.txt' -%}
