"""Reads the text of a PDF as a program of its own, `python services/pdf.py FILE PAGES CHARS`, and writes JSON.

A few kilobytes of PDF can ask for all the memory or time of a machine. Here they take those of one process, which
`attachments.py` ends. So nothing of the app is imported.
"""

import contextlib
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from pypdf import PdfReader

MOST_MEMORY = 2**30
"""Bytes; most systems keep it."""
NO_TEXT = "[There is no text on page {}. It may be a scan.]"


def read(path: str, most_pages: int, most_chars: int) -> dict[str, Any]:
    """Give `text` and `pages`, or why not: `problem` is `locked`, `pages`, `chars` or `scan`."""
    reader = PdfReader(path)
    # Many papers are locked against changes alone, by an empty password.
    if reader.is_encrypted and not reader.decrypt(""):
        return {"problem": "locked"}
    pages = len(reader.pages)
    if pages > most_pages:
        return {"problem": "pages", "pages": pages}
    texts: list[str] = []
    for page in reader.pages:
        texts.append(page.extract_text().strip())
        if sum(map(len, texts)) > most_chars:
            return {"problem": "chars"}
    if not any(texts):
        return {"problem": "scan"}
    # A page that is silently missing would be answered as if it were not there.
    return {"text": "\n\n".join(told(texts)), "pages": pages}


def told(texts: Sequence[str]) -> Iterator[str]:
    """Give the text of each page, and say so where there is none."""
    for number, text in enumerate(texts, 1):
        yield text or NO_TEXT.format(number)


def bound_memory() -> None:
    """Let this process have so much memory and no more, where the system knows such a bound."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 (not on Windows)

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


if __name__ == "__main__":
    bound_memory()
    logging.disable()  # pypdf says much about files that are a little wrong
    sys.stdout.write(json.dumps(read(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
