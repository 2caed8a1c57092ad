"""What Gradio 6 has no more, and what of `launch()` has another place here: data, and one function that looks it up."""

import re
from typing import NamedTuple

import gradio as gr


class Gone(NamedTuple):
    """Arguments that are no more."""

    names: str
    """Separated by spaces."""
    of: str
    """Whose they were, separated by spaces; empty for anybody's."""
    now: str
    """What to do instead."""


# WHAT GRADIO 3, 4 AND 5 HAD

ARGUMENTS = (
    Gone("type", "Chatbot ChatInterface", "leave it out (messages only)"),
    Gone("bubble_full_width likeable", "Chatbot", "leave it out; for likes there is .like(fn)"),
    Gone("show_copy_button", "", 'write buttons=["copy"]'),
    Gone("show_copy_all_button", "", 'write buttons=["copy_all"]'),
    Gone("show_download_button", "", 'write buttons=["download"]'),
    Gone("show_share_button", "", 'write buttons=["share"]'),
    Gone("show_fullscreen_button", "", 'write buttons=["fullscreen"]'),
    Gone("retry_btn undo_btn clear_btn", "ChatInterface", "leave it out"),
    Gone("theme css js head", "ChatInterface TabbedInterface", "give it to launch()"),
    Gone("show_api", "launch", 'write footer_links=["settings"] to leave the link to the API out'),
    Gone("show_api", "", 'write api_visibility="private" to hide it'),
    Gone("_js", "", "write js="),
    Gone("every", "", "write gr.Timer(seconds).tick(...)"),
    Gone("source", "", 'write a list: sources=["upload"]'),
    Gone("tool shape invert_colors", "Image", "for drawing there is gr.ImageEditor; resize in the handler"),
    Gone("mirror_webcam", "", "write webcam_options=gr.WebcamOptions(mirror=...)"),
    Gone("min_length max_length", "Audio", "check it in validator= of the event"),
    Gone("show_controls", "WaveformOptions", "leave it out"),
    Gone("allow_flagging", "", "write flagging_mode="),
    Gone("layout interpretation", "Interface", "leave it out"),
    Gone("concurrency_count", "", "write default_concurrency_limit="),
    Gone("file_directories", "launch", "write allowed_paths="),
    Gone("enable_queue show_tips encrypt", "", "leave it out"),
    Gone("height", "Dataframe", "write max_height="),
    Gone("max_rows overflow_row_behaviour", "Dataframe", "write max_height="),
    Gone("show_actions_button interactive", "LinePlot BarPlot ScatterPlot", "leave it out"),
    Gone("vertical", "BarPlot", "swap x and y"),
)
"""The first row that fits is taken."""

NAMES = {
    "inputs": "components are in gr itself: gr.Textbox",
    "outputs": "components are in gr itself: gr.Textbox",
    "Box": "write gr.Group",
    "Variable": "write gr.State",
    "Carousel": "write gr.Gallery",
    "StatusTracker": "leave it out, or write gr.Progress",
    "Timeseries": "write gr.LinePlot",
    "mix": "call one function from the other",
    "Parallel": "call both functions in one handler",
    "Series": "call one function from the other",
    "LogoutButton": "gr.LoginButton does both",
    "make_waveform": "gr.Audio draws it",
    "HuggingFaceDatasetSaver": "write a gr.FlaggingCallback of your own",
}
"""Names of the module `gradio`."""

METHODS = {
    "update": "return gr.update(...)",
    "style": "give it to the constructor, or to CSS",
}
"""Of every component."""

VALUES = {
    "Invalid value for parameter `type`: file.": '"file" is now "filepath"',
    "not lazy": 'write cache_examples=True, cache_mode="lazy"',
    "Data incompatible with messages format": 'pairs are now messages: {"role": "user", "content": "..."}',
}
"""Values that are refused, by what Gradio says about them."""

# ARGUMENTS OF launch() AND mount_gradio_app()

ON_THE_PAGE = frozenset({"max_threads", "state_session_capacity"})
"""Arguments that are attributes of a mounted page."""
SETTINGS = {
    "server_name": ("host", "APP_HOST={} and APP_PUBLIC=true"),
    "server_port": ("port", "APP_PORT={}"),
    "root_path": ("root_path", "APP_ROOT_PATH={}"),
    "inbrowser": ("open_browser", "APP_OPEN_BROWSER=true"),
    "favicon_path": ("logo", "APP_LOGO={}"),
    "max_file_size": ("max_upload_mb", "APP_MAX_UPLOAD_MB={}"),
}
"""Arguments that are settings here: the field, and what to set."""
NO_SHARE = "visitors would come through a foreign host; the answer deploy_target has places to run"
NO_TLS = "https ends in front, in a proxy of APP_TRUSTED_PROXIES"
NO_NODE = "the page is not drawn on the server"
ELSEWHERE = {
    "share": NO_SHARE,
    "share_server_address": NO_SHARE,
    "share_server_protocol": NO_SHARE,
    "share_server_tls_certificate": NO_SHARE,
    "ssl_keyfile": NO_TLS,
    "ssl_certfile": NO_TLS,
    "ssl_keyfile_password": NO_TLS,
    "ssr_mode": NO_NODE,
    "node_server_name": NO_NODE,
    "node_port": NO_NODE,
    "num_workers": NO_NODE,
    "pwa": "it is in the answer features: uvx copier update -d 'features=[pwa]'",
    "mcp_server": "it is in the answer features: uvx copier update -d 'features=[mcp]'",
    "enable_monitoring": "every target but local has figures for Prometheus",
    "run_history": "it would keep what visitors send in their browsers",
    "app_kwargs": "create_app makes the application; it takes routers= and lifespan=",
}
"""Arguments that have no place here, and what does the job."""
SIGN_IN = frozenset({"auth", "auth_message", "auth_dependency"})
"""Arguments about who may come in, which is an answer of the project."""
UNUSED = frozenset(
    {"app", "blocks", "blocked_paths", "debug", "height", "inline", "prevent_thread_lock", "quiet", "show_error"}
    | {"ssl_verify", "strict_cors", "width"}
)
"""Arguments that change nothing here, or only what is stricter here anyway."""


def explain(error: BaseException, call: str) -> str:
    """Say what to write instead of what is gone; nothing, if it is none of that.

    Args:
        error: What the script raised.
        call: The name of what the script called, such as `Chatbot`.

    """
    text = str(error)
    if found := re.search(r"unexpected keyword argument '(\w+)'", text):
        name = found[1]
        rows = (row for row in ARGUMENTS if name in row.names.split() and (not row.of or call in row.of.split()))
        return next((f"{call}() has no {name!r} any more: {row.now}" for row in rows), "")
    if isinstance(error, AttributeError) and error.name in METHODS:
        kind = error.obj if isinstance(error.obj, type) else type(error.obj)
        return f"{kind.__name__}.{error.name}() is gone: {METHODS[error.name]}" if is_of_gradio(kind) else ""
    missing = error.name if isinstance(error, AttributeError) and error.obj is gr else None
    if isinstance(error, ImportError):
        found = re.search(r"No module named 'gradio\.(\w+)'|cannot import name '(\w+)' from 'gradio'", text)
        missing = found[found.lastindex or 0] if found else None
    if missing in NAMES:
        return f"gr.{missing} is gone: {NAMES[missing]}"
    return next((f"{call}(): {now}" for said, now in VALUES.items() if said in text), "")


def is_of_gradio(kind: type) -> bool:
    """Tell whether a class is Gradio's, or made from one of Gradio's."""
    return any(base.__module__.partition(".")[0] == "gradio" for base in kind.__mro__)
