"""The plumbing, kept up to date by the template: settings, serving, gate, access, errors, logs.

Importing this package prepares the process for Gradio, which reads its environment when it is imported. That is why
`app.py` imports it first.
"""

import os
import sys
import tempfile

if sys.version_info < (3, 11):  # noqa: UP036 (somebody who starts it with an older one shall be told)
    raise SystemExit(  # pragma: no cover (an older one runs in a process of its own)
        f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Try: uv run --python 3.12 app.py"
    )

from server.gradio_adapter import prepare_imports
from server.settings import ServerSettings, default_upload_dir, parsed


def prepare_process() -> None:
    """Set Gradio's environment. A variable that is set already wins.

    A handler may give files of the temporary folder. So this process has one of its own: a handler that gives a path
    that somebody sent gives nothing of other programs.
    """
    upload_dir, temporary = parsed(ServerSettings).upload_dir, default_upload_dir("-tmp")
    for folder in (upload_dir, temporary):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.tempdir = str(temporary)
    for name, value in {
        "GRADIO_TEMP_DIR": str(upload_dir),
        "GRADIO_EXAMPLES_CACHE": str(upload_dir / "examples"),
        # No call to a foreign host.
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        # Gradio copies the list of its last 10,000 events after each event, and summarises it for a page that is closed
        # here: a server would slow down by a fifth with its first thousands of events.
        "GRADIO_ANALYTICS_MAX_EVENTS": "100",
        "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000",
    }.items():
        os.environ.setdefault(name, value)
    prepare_imports()


prepare_process()
