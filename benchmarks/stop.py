"""Figure 14: a signal while 50 answers are being streamed."""

import asyncio
import os
import signal
import tempfile
import time
import uuid
from pathlib import Path

from benchmarks.client import find_function
from benchmarks.figures import Figure, main, middle
from benchmarks.servers import Server, generated, render, running
from benchmarks.wire import Connection

STREAMS = 50
TOKENS = 40
TOKEN_SECONDS = 0.1
GRACE_SECONDS = 20
"""As in a project's own settings."""


async def interrupted(server: Server) -> int:
    """Stop a server when all streams are under way, and count those that come to their end."""
    function = await find_function(server.url, "stream", "")
    under_way = 0

    async def read() -> bool:
        nonlocal under_way
        session, seen = uuid.uuid4().hex, False
        body = {"data": ["Count.", TOKENS, None], "fn_index": function, "session_hash": session}
        try:
            async with Connection(server.url) as http:
                await http.post("/gradio_api/queue/join", body)
                async for message in http.get(f"/gradio_api/queue/data?session_hash={session}"):
                    if not seen and b'"process_generating"' in message:
                        seen = True
                        under_way += 1
                        if under_way == STREAMS:
                            os.kill(server.pid, signal.SIGTERM)
                    if b'"process_completed"' in message:
                        return f"{TOKENS} of at most {TOKENS} tokens".encode() in message
        except (OSError, EOFError, ValueError):
            pass
        return False

    return sum(await asyncio.gather(*[read() for _ in range(STREAMS)]))


def figures(rounds: int) -> list[Figure]:
    """Measure.

    Raises:
        RuntimeError: if the server does not exit with 0 within its grace.

    """
    complete: list[float] = []
    spent: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        project = render(Path(scratch) / "project", app_type="streaming", deploy_target="docker")
        command = generated(project, "app.py", APP_EMBEDDED_DELAY=str(TOKEN_SECONDS))
        for _ in range(rounds):
            with running(command) as server:
                complete.append(asyncio.run(interrupted(server)))
                started = time.monotonic()
                code = server.process.wait(GRACE_SECONDS)
                spent.append(time.monotonic() - started)
            if code != 0:
                raise RuntimeError(f"the server exited with {code}")
    return [
        Figure(
            "14",
            "50 answers under way at SIGTERM: those that come to their end",
            at_least=STREAMS,
            at_most=None,
            rounds=complete,
            module="benchmarks.stop",
            detail=f"exit 0, {middle(spent)} s after the last answer",
            unit="of 50",
        )
    ]


if __name__ == "__main__":
    main(figures, __doc__)
