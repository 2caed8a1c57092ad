"""The settings of the server, and the one place that reads the environment.

Every setting is an environment variable with the prefix `APP_`, a line in `.env`, or a file named after the variable
in `secrets/` or `/run/secrets`; earlier ones win. `.env.example` lists them. Your own stand in `utils/settings.py`.
"""

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self, TypeVar, get_origin

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

PROJECT_DIR = Path(__file__).resolve().parent.parent
ASSETS = PROJECT_DIR / "assets"
"""The one folder of the project whose files visitors may have."""
SYSTEM_TEMP = Path(tempfile.gettempdir())
"""Everybody's folder for temporary files. Those of this app lie in one of its own: `prepare_process`."""
SECRET_DIRS = [path for path in (PROJECT_DIR / "secrets", Path("/run/secrets")) if path.is_dir()]
CLOSED_PARTS = frozenset({"server", "services", "utils", "tests", "deploy", "secrets"})
"""Folders of the project that no setting can open."""

SOURCE = re.compile(
    r"data:|blob:"
    r"|((https?|wss?)://)?(\*\.[a-zA-Z0-9-]+\.)?[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*(:\d+)?(/[a-zA-Z0-9._~%!$&()+=:@/-]*)?",
)
"""What may be added to the content policy: a host, or one of these two schemes. Neither everybody nor keywords."""
DIRECTIVES = (
    "connect-src",
    "font-src",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "script-src",
    "style-src",
    "worker-src",
)

Device = Literal["camera", "display-capture", "geolocation", "hid", "microphone", "midi", "payment", "serial", "usb"]

Kind = TypeVar("Kind", bound="ServerSettings")


def default_upload_dir(kind: str = "") -> Path:
    """Give a folder of this user's own, outside the project, so that nothing in the project can be downloaded."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return SYSTEM_TEMP / f"team-tool-{user}{kind}"


class ServerSettings(BaseSettings):
    """Typed settings. Fields are grouped by what they are for."""

    model_config = SettingsConfigDict(
        env_prefix="APP_",
        env_file=PROJECT_DIR / ".env",
        secrets_dir=SECRET_DIRS,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    # Looks
    title: str = "Team Tool"
    theme: str = "default"
    """A theme of `gr.themes`, in lower case; `default` is the project's own, where it has one."""
    logo: str = ""
    """Path of an image, seen from the project, that the page shows on top and browsers show in the tab."""

    # Serving
    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    public: bool = False
    """Must be true before the app listens on anything but this machine."""
    root_path: str = ""
    """Path behind a proxy that strips it (`/demo`), or the full public URL."""
    allowed_hosts: list[str] = ["localhost", "127.0.0.1", "[::1]"]
    """Host names under which the app may be asked for, without port; `*` allows all, `*.example.com` a domain."""
    cors_origins: list[str] = []
    """Other sites whose pages may call this app, such as `https://www.example.com`."""
    frame_ancestors: list[str] = []
    """Other sites that may show this app in a frame."""
    allow_eval: bool | None = None
    """Whether scripts of the page may evaluate strings as code; None: only if something on the page needs it."""
    content_sources: dict[str, list[str]] = {}
    """Other sites that the page may load from, by directive: `{"img-src": ["https://*.tile.openstreetmap.org"]}`."""
    permissions: list[Device] = []
    """What the page may ask a visitor for beside the camera and the microphone of its components."""
    deep_links: bool = False
    """Whether visitors may make links to the page as it is, by `gr.DeepLinkButton`. They are kept for `file_ttl`."""
    trusted_proxies: list[str] = []
    """Addresses or networks whose forwarded headers are believed."""
    shutdown_grace: float = Field(default=20, ge=0)
    """Seconds that a stopping server waits for answers under way."""
    open_browser: bool = False
    web_concurrency: int = Field(default=1, validation_alias="WEB_CONCURRENCY")
    uvicorn_workers: int = Field(default=1, validation_alias="UVICORN_WORKERS")

    # Limits
    max_upload_mb: int = Field(default=64, ge=1)
    max_request_kb: int = Field(default=4096, ge=1)
    """Size of any request that is no upload."""
    max_component_kb: int = Field(default=64, ge=1)
    """Size of a call of a component's own functions, but for the pictures of image editors, which are uploads."""
    max_pixels: int = Field(default=40_000_000, ge=1)
    """Width times height of a picture; of an animation or a file of several pages, of all together."""
    max_media_seconds: int = Field(default=900, ge=1)
    """Length of a sound or film where the page decodes it whole."""
    buffered_mb: int = Field(default=256, ge=1)
    """Memory for all requests that are still coming in, and for pictures of editors that no event has taken."""
    buffered_mb_per_visitor: int = Field(default=144, ge=1)
    head_seconds: int = Field(default=10, ge=1)
    """Time in which the head of a request has to be there, the first one of a connection included."""
    body_seconds: int = Field(default=15, ge=1)
    """Time for a body, and a second more for each 16 kB that have come."""
    connections: int = Field(default=4096, ge=1)
    connections_per_address: int = Field(default=512, ge=1)
    """Open connections of one address that is not in `trusted_proxies`; a page that is open holds two."""
    new_sessions: int = Field(default=3000, ge=1)
    """Sessions that may begin in a minute: each page that is opened, each call of a program that names none."""
    new_sessions_per_visitor: int = Field(default=600, ge=1)
    validators: int = Field(default=2, ge=1)
    """Validators that run at once, with the decoding of their inputs; they run before the queue."""
    validators_per_visitor: int = Field(default=32, ge=1)
    """Validators of one visitor that run or wait."""
    queue_size: int = Field(default=64, ge=1)
    """Events that may wait; one more is refused at once."""
    concurrency: int = Field(default=4, ge=1)
    """Events without the model that run side by side."""
    session_ttl: int = Field(default=3600, ge=1)
    """Seconds after which a session's state is dropped."""
    file_ttl: int = Field(default=86400, ge=1)
    """Seconds after which an uploaded or generated file is deleted."""
    upload_dir: Path = Field(default_factory=default_upload_dir)
    stored_mb: int = Field(default=10_240, ge=1)
    """Size of all files in the folder of uploads and results; beyond it no more are taken."""
    stored_mb_per_visitor: int = Field(default=2048, ge=1)
    """Size of the files that one visitor sends within `file_ttl`."""
    public_folders: list[Path] = []
    """Folders beside `assets/` whose files everybody who may use the app can have, such as pictures of a data set."""

    # Programs
    api_keys: dict[str, str] = {}
    """Who may come in with a key, and the SHA-256 of it; `python -m server.access.keys NAME` makes one."""

    # Logs
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    # Metrics
    metrics_port: int = Field(default=0, ge=0, le=65535)
    """A port of its own where Prometheus may ask without a key; 0 has none. Never make it public."""
    metrics_path: str = Field(default="", pattern="^(/[a-z0-9/_-]+)?$")
    """A path of the app's own port where programs with a key may ask, such as `/metrics`."""

    # Sign-in
    session_cookie: str = "team-tool-session"
    """Name of the cookie, and prefix of what is kept in the store."""
    sign_in_ttl: int = Field(default=28_800, ge=60)
    """Seconds after which a visitor has to sign in anew."""
    store_url: SecretStr = SecretStr("")
    """`redis://...` (Redis 7 or later) where several replicas serve the app; empty keeps all of it in memory."""
    session_secret: SecretStr = SecretStr("")
    """Signs the cookies of visitors."""
    accounts: dict[str, object] = {}
    """Who may sign in: names with the hash of a password, or with `hash`, `name`, `email` and `groups`."""
    accounts_file: Path | None = None
    """A TOML file with a table for each name, beside or instead of `accounts`."""
    login_limit: str = "10 per 5 minute"
    """Tries for one name from one address."""
    login_limit_address: str = "100 per 5 minute"
    """Tries from one address."""

    @field_validator("allow_eval", mode="before")
    @classmethod
    def follow_the_page_when_empty(cls, value: object) -> object:
        """Take `APP_ALLOW_EVAL=` for nothing said."""
        return None if value == "" else value

    @model_validator(mode="after")
    def refuse_what_breaks_sessions_or_opens_the_app(self) -> Self:
        """Say in one line what to change, before anything is served."""
        asked = {
            "WEB_CONCURRENCY": self.web_concurrency,
            "UVICORN_WORKERS": self.uvicorn_workers,
            "--workers": workers_in(sys.argv[1:]),
        }
        for name, workers in asked.items():
            if workers > 1:
                raise ValueError(
                    f"{name}: Gradio keeps queue and sessions in one process, so more workers mix sessions up. "
                    "Set it to 1 and start more replicas behind a proxy with cookie affinity instead."
                )
        if not (self.public or is_loopback(self.host)):
            raise ValueError(
                f"APP_HOST: {self.host} can be reached from other machines. Set APP_PUBLIC=true if that is meant."
            )
        for folder in self.public_folders:
            if problem := problem_with_folder(folder, self.upload_dir):
                raise ValueError(f"APP_PUBLIC_FOLDERS: {folder} {problem}")
        for directive, sources in self.content_sources.items():
            if problem := problem_with_sources(directive, sources):
                raise ValueError(f"APP_CONTENT_SOURCES: {problem}")
        return self


def workers_in(arguments: Sequence[str]) -> int:
    """Tell how many processes a command line asks for, such as that of uvicorn; each of them has it."""
    found = re.search(r"(?:^|\s)(?:--workers[ =]|-w[ =]?)(\d+)(?:\s|$)", " ".join(arguments))
    return int(found[1]) if found else 1


def is_loopback(host: str) -> bool:
    """Tell whether `host` can be reached from this machine only."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def problem_with_folder(folder: Path, upload_dir: Path) -> str:
    """Say why a folder must not be public, or nothing."""
    real = folder.resolve()
    if not real.is_dir():
        return "is no folder. Name one that is there."
    closed = [PROJECT_DIR, Path.home().resolve(), upload_dir.resolve(), *SECRET_DIRS]
    if any(kept.is_relative_to(real) for kept in closed):
        return "would open this project, your home, uploads or secrets. Name a folder that holds nothing else."
    if any(real.is_relative_to(kept) for kept in (upload_dir.resolve(), *SECRET_DIRS)):
        return "lies among uploads or secrets. Name another folder."
    inside = real.relative_to(PROJECT_DIR).parts if real.is_relative_to(PROJECT_DIR) else ()
    if inside and (inside[0] in CLOSED_PARTS or any(part.startswith(".") for part in inside)):
        return "is closed. Put what everybody may have into assets/."
    return ""


def problem_with_sources(directive: str, sources: list[str]) -> str:
    """Say why sites cannot be added to a directive of the content policy, or nothing."""
    if directive == "frame-ancestors":
        return "frame-ancestors is APP_FRAME_ANCESTORS."
    if directive not in DIRECTIVES:
        return f"there is no directive {directive!r}. Choose one of: {', '.join(DIRECTIVES)}."
    wrong = [source for source in sources if not SOURCE.fullmatch(source)]
    if wrong:
        return f"{directive}: {wrong[0]!r} is no site. Name one, such as https://*.example.com, or data: or blob:."
    return ""


def parsed(kind: type[Kind]) -> Kind:
    """Read settings of a class.

    Raises:
        SystemExit: one line for each setting that is wrong.

    """
    try:
        return kind()
    except ValidationError as error:
        raise SystemExit("\n".join(explain(error))) from None
    except SettingsError as error:
        field = str(error).split('"')[1]
        is_list = get_origin(kind.model_fields[field].annotation) in {list, tuple}
        shape = 'a list, such as ["example.com"]' if is_list else 'an object, such as {"name": "value"}'
        raise SystemExit(f"APP_{field.upper()}: write {shape}. See .env.example.") from None


def read_settings(kind: type[Kind]) -> Kind:
    """Read the settings that the app starts with.

    Args:
        kind: `ServerSettings`, or your own class that adds fields to it.

    Raises:
        SystemExit: one line for each setting that is wrong.

    """
    return parsed(kind)


def explain(error: ValidationError) -> list[str]:
    """Turn pydantic's report into one line for each wrong setting, without the value, which may be a secret."""
    lines: list[str] = []
    for item in error.errors():
        message = item["msg"].removeprefix("Value error, ")
        name = str(item["loc"][0]) if item["loc"] else ""
        variable = name if name.isupper() else f"APP_{name.upper()}"
        lines.append(f"{variable}: {message}. See .env.example." if name else message)
    return lines
