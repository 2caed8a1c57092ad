"""The visitors: a process that keeps N users busy on one server and prints what they saw as JSON.

Each user waits for its answer before it asks again (a closed loop) and talks as Gradio's page does: join the queue,
then read the session's event stream. The other modules run it; by hand it is
`python -m benchmarks.client <url> --users 50 --requests 500`.
"""

import argparse
import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from functools import partial

from benchmarks.wire import Connection

PROBE_SECONDS = 0.05
STUCK_SECONDS = 120
FILE = bytes(range(250)) * 400


@dataclass
class Seen:
    """What the users saw; all times in seconds."""

    seconds: float = 0
    latencies: list[float] = field(default_factory=list[float])
    first_chunks: list[float] = field(default_factory=list[float])
    probes: list[float] = field(default_factory=list[float])
    failures: list[str] = field(default_factory=list[str])


Ask = Callable[[Connection, str, Seen], Awaitable[None]]


async def ask_gradio(function: int, inputs: list[object], http: Connection, session: str, seen: Seen) -> None:
    """Call an event once and read the session's stream to its end."""
    started, first, answered = time.perf_counter(), False, False
    await http.post("/gradio_api/queue/join", {"data": inputs, "fn_index": function, "session_hash": session})
    async for message in http.get(f"/gradio_api/queue/data?session_hash={session}"):
        if not first and b'"process_generating"' in message:
            first = True
            seen.first_chunks.append(time.perf_counter() - started)
        if b'"process_completed"' in message:
            answered = b'"success":true' in message
            seen.latencies.append(time.perf_counter() - started)
    if not answered:
        raise ValueError("the event failed")


async def ask_plain(http: Connection, _session: str, seen: Seen) -> None:
    """Read a plain event stream to its end."""
    started, first = time.perf_counter(), False
    async for _ in http.get("/stream"):
        if not first:
            first = True
            seen.first_chunks.append(time.perf_counter() - started)
    seen.latencies.append(time.perf_counter() - started)


async def upload(http: Connection, _session: str, seen: Seen) -> None:
    """Upload a file of 100 kB."""
    started = time.perf_counter()
    await http.upload("/gradio_api/upload", FILE)
    seen.latencies.append(time.perf_counter() - started)


async def sign_in(form: str, http: Connection, _session: str, seen: Seen) -> None:
    """Send a login form."""
    started = time.perf_counter()
    await http.post("/login", form)
    seen.latencies.append(time.perf_counter() - started)


async def run(arguments: argparse.Namespace) -> Seen:
    """Let the users work through all requests, each as fast as it gets answers."""
    seen, left = Seen(), arguments.requests
    ask: Ask = ask_plain
    if arguments.sign_in:
        ask = partial(sign_in, arguments.sign_in)
    elif arguments.upload:
        ask = upload
    elif not arguments.plain:
        function = await find_function(arguments.url, arguments.event, arguments.cookie)
        ask = partial(ask_gradio, function, json.loads(arguments.inputs))

    async def work() -> None:
        nonlocal left
        session = uuid.uuid4().hex
        cookie = f"replica={session}" if arguments.spread else arguments.cookie
        async with Connection(arguments.url, cookie) as http:
            while left > 0 and not seen.failures:
                left -= 1
                try:
                    await asyncio.wait_for(ask(http, session, seen), STUCK_SECONDS)
                except (OSError, EOFError, TimeoutError, ValueError) as error:
                    seen.failures.append(repr(error))

    prober = asyncio.create_task(probe(arguments.url, arguments.probe, seen)) if arguments.probe else None
    started = time.perf_counter()
    await asyncio.gather(*[work() for _ in range(arguments.users)])
    seen.seconds = time.perf_counter() - started
    if prober is not None:
        prober.cancel()
    return seen


async def find_function(url: str, event: str, cookie: str) -> int:
    """Look up an event's index, as the page does."""
    async with Connection(url, cookie) as http:
        config = json.loads(b"".join([part async for part in http.get("/config")]))
    return next(function["id"] for function in config["dependencies"] if function["api_name"] == event)


async def probe(url: str, path: str, seen: Seen) -> None:
    """Ask for a cheap page again and again, to see how long others wait."""
    async with Connection(url) as http:
        while True:
            started = time.perf_counter()
            async for _ in http.get(path):
                pass
            seen.probes.append(time.perf_counter() - started)
            await asyncio.sleep(PROBE_SECONDS)


def main() -> None:
    """Read the command line, run, print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--event", default="predict", help="name of the event (default predict)")
    parser.add_argument("--inputs", default='["x"]', help="its inputs, as JSON")
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--probe", default="", help="a path to ask for all the time, beside the load")
    parser.add_argument("--cookie", default="", help="whom the users are signed in as")
    parser.add_argument("--spread", action="store_true", help="give each user a cookie of its own, for nginx to go by")
    parser.add_argument("--sign-in", default="", help="sign in with this form instead of calling events")
    parser.add_argument("--upload", action="store_true", help="upload files instead of calling events")
    parser.add_argument("--plain", action="store_true", help="read /stream, without Gradio's protocol")
    print(json.dumps(asdict(asyncio.run(run(parser.parse_args())))))


if __name__ == "__main__":
    main()
