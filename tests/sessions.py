"""Visitors who take three steps each, in a process of their own: `python -m tests.sessions URL COUNT [PASSWORD]`.

Prints one word for each session: `right`, or what went wrong. A session uploads a table of its own, filters it, and
downloads what is left; only the process that has the session's state can answer.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from gradio_client import Client, handle_file

AT_ONCE = 8
PATIENCE = 60
"""Seconds that a step may take. A session that is at the wrong process would wait for ever."""


def three_steps(url: str, password: str, folder: Path, number: int) -> str:
    """Be one visitor."""
    table, kept = folder / f"{number}.csv", f"kept{number}"
    table.write_text(f"name,age\n{kept},{number}\ngone,{number + 1}\n", encoding="utf-8")
    try:
        auth = ("ada", password) if password else None
        client = Client(url, auth=auth, verbose=False, download_files=folder / str(number))
        client.submit(handle_file(table), "Detect", api_name="/load_csv").result(PATIENCE)
        client.submit("name", "is", kept, api_name="/filter_rows").result(PATIENCE)
        rest = client.submit(api_name="/download").result(PATIENCE)
        text = Path(rest["value"] if isinstance(rest, dict) else rest).read_text(encoding="utf-8")
    except BaseException as error:  # noqa: BLE001 (whatever it is, the session is not right)
        return f"{type(error).__name__}: {error}".replace("\n", " ")
    return "right" if text == f"name,age\n{kept},{number}\n" else f"got {text!r}"


def main(url: str, count: str, password: str = "") -> None:
    """Let all visitors in, some at once, and leave without waiting for those who hang."""
    # Traces of the client's own threads are no words.
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere), TemporaryDirectory() as folder:
        pool = ThreadPoolExecutor(AT_ONCE)
        for word in pool.map(partial(three_steps, url, password, Path(folder)), range(int(count))):
            sys.stdout.write(word + "\n")
            sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
