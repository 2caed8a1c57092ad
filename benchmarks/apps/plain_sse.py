"""The stream of tokens as plain FastAPI sends it: no page, no queue, no session.

Run as `python -m benchmarks.apps.plain_sse <port>`.
"""

import sys
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from benchmarks.apps import work

app = FastAPI()


@app.get("/")
async def page() -> dict[str, str]:
    """Answer once the server is up."""
    return {"status": "ok"}


@app.get("/stream")
async def stream() -> StreamingResponse:
    """Send each token as one event."""

    async def events() -> AsyncIterator[str]:
        async for token in work.stream_async():
            yield f"data: {token}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
