"""The statistics behind Ray Serve: `uv run --env-file serve.env --group serve serve run serve_config.yaml`.

Ray runs `summarise` of `services/model.py`, in as many processes as `serve_config.yaml` says, and not the page.
"""

import asyncio
from functools import partial

import pandas as pd
from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayActorError
from ray.serve import Application
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle

from services import model
from services.api import create_api
from utils.endpoint import NoAnswerError, QueueFullError
from utils.settings import get_settings

GONE = (RayActorError, DeploymentUnavailableError, ReplicaUnavailableError)


@serve.deployment
class Model:
    """One replica of what computes."""

    async def summarise(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Describe each column."""
        # In a thread: Ray asks this replica for its health meanwhile.
        return await asyncio.to_thread(model.summarise, frame)


async def summarise(replicas: DeploymentHandle, frame: pd.DataFrame) -> pd.DataFrame:
    """Ask one of the replicas.

    Raises:
        QueueFullError: if `max_queued_requests` wait already.
        NoAnswerError: if the replica has died.

    """
    try:
        return await replicas.summarise.remote(frame)
    except BackPressureError as error:
        raise QueueFullError from error
    except GONE as error:
        raise NoAnswerError from error


def build_api() -> FastAPI:
    """Build the endpoint, in each of its processes."""
    # One handle for all requests: it is what counts how many wait.
    replicas = serve.get_deployment_handle("Model", app_name=serve.get_replica_context().app_name)
    return create_api(partial(summarise, replicas), get_settings())


@serve.deployment
@serve.ingress(build_api)
class Endpoint:
    """What listens: it checks the request and passes it on to a replica that has room."""

    def __init__(self, model: object) -> None:
        """Wait for the model."""
        self.model = model


def build(_: dict[str, str]) -> Application:
    """Put the two together: `import_path` of `serve_config.yaml`."""
    return Endpoint.bind(Model.bind())
