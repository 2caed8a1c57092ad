"""The model behind Ray Serve: `uv run --env-file serve.env --group serve serve run serve_config.yaml`.

Ray runs `answer` of `services/model.py`, in as many processes as `serve_config.yaml` says, and not the page.
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

from services import model
from services.api import create_api
from services.endpoint import EndpointOptions, NoAnswerError, QueueFullError
from services.protocol import Message
from utils.settings import get_settings

GONE = (RayActorError, DeploymentUnavailableError, ReplicaUnavailableError)


@serve.deployment
class Model:
    """One replica of the model."""

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str]:
        """Answer piece by piece. Ray closes this generator when whoever asked has gone."""
        room = max_tokens
        async with aclosing(model.answer([dict(message) for message in messages])) as pieces:
            async for piece in pieces:
                yield piece
                room -= 1
                if room == 0:
                    break


async def stream(replicas: DeploymentHandle, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str]:
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
