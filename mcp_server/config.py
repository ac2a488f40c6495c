"""The settings of a workspace, and where its parts lie.

`pressroom.toml` holds the settings; each may be overridden by `PRESSROOM_` and its name in capitals
(`PRESSROOM_MODEL`). An empty variable counts as not set.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from mcp_server.errors import ConfigError, Unavailable

SETTINGS_FILE = "pressroom.toml"
"""What makes a folder a workspace."""
STATE_DIR = ".pressroom"
ENV_PREFIX = "PRESSROOM_"
WORKSPACE_VARIABLE = "PRESSROOM_WORKSPACE"
STATE_DIR_VARIABLE = "PRESSROOM_STATE_DIR"
SETTINGS_BYTES_MAX = 256 * 1024
"""Far more than every setting with its explanation takes."""

_MODEL = re.compile(r"[a-z][a-z0-9-]*:\S+")
_SHOWN_MAX = 60


class SettingsProblems(ConfigError):
    """The settings cannot be used; `problems` has one line for each mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class Settings(BaseModel):
    """What a workspace may set. `Settings()` is the defaults; the environment is not read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = None
    """Who writes: `anthropic:…`, `openai:…`, or a name at `model_url`; `None` is the composer."""
    model_url: str | None = None
    """Address of an OpenAI-compatible server, such as `http://127.0.0.1:11434/v1`. Its key, if it
    wants one, is in `PRESSROOM_MODEL_KEY`."""
    content_dir: Path = Path("content")
    """Where live pages are written; relative to the workspace and inside it, or absolute."""
    worker: Literal["auto", "embedded", "detached"] = "auto"
    """Where the worker runs; `auto`: detached under stdio, embedded under HTTP."""
    worker_idle_s: float = Field(default=60, gt=0, le=86_400)
    """After how long without work a detached worker leaves."""
    several_workers: bool = False
    """Whether several workers may work this workspace at the same time."""
    concurrency: int = Field(default=4, ge=1, le=64)
    """Jobs that a worker runs at the same time."""
    grace_s: float = Field(default=10, ge=0, le=3_600)
    """How long running jobs may go on after a stop was asked for."""
    lease_s: float = Field(default=30, gt=0, le=3_600)
    """How long a claim holds without renewal."""
    heartbeat_s: float = Field(default=10, gt=0, le=3_600)
    """How often claims are renewed: more than twice per lease."""
    time_limit_s: float = Field(default=300, gt=0, le=86_400)
    """How long one try at a job may take."""
    max_retries: int = Field(default=3, ge=0, le=100)
    """Tries at a draft after the first one; other work is tried four times."""
    crashes_max: int = Field(default=10, ge=1, le=1_000)
    """Tries of a job that may be lost with their worker before it counts as failed."""
    composer_delay_s: float = Field(default=0, ge=0, le=60)
    """Slows the composer, for demonstrations and tests."""
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """`NORMAL` is faster and may lose the last moments in a power cut."""
    prune_after_h: float = Field(default=24, gt=0, le=24 * 365)
    """After how long completed jobs are removed; batches and texts stay."""
    prune_interval_h: float = Field(default=1, gt=0, le=24 * 365)
    """How often a worker looks for what is to be removed; at its start too."""
    poll_s: float = Field(default=0.1, gt=0, le=60)
    """How often what other processes have committed is looked for, while somebody waits for it."""
    claim_max: int = Field(default=256, ge=1, le=10_000)
    """Jobs claimed at once."""
    sweep_max: int = Field(default=100, ge=1, le=10_000)
    """Expired leases handled at once."""
    payload_bytes_max: int = Field(default=64 * 1024, ge=1_024, le=16 * 1024 * 1024)
    """Size of a job's payload."""
    batch_jobs_max: int = Field(default=100_000, ge=1, le=10_000_000)
    """Jobs in one batch."""
    limits: Mapping[str, Annotated[int, Field(ge=1, le=10_000)]] = Field(
        default_factory=dict[str, int]
    )
    """Jobs of a kind that run at once at most, over all workers: `[limits]`, then `kind = 2`."""
    subscriber_buffer: int = Field(default=256, ge=1, le=100_000)
    """Progress events kept for a slow listener."""

    @field_validator("model")
    @classmethod
    def _composer_is_none(cls, model: str | None) -> str | None:
        return None if model is None or model.strip() in {"", "composer"} else model.strip()

    @field_validator("limits", mode="before")
    @classmethod
    def _pairs(cls, limits: object) -> object:
        """In a variable they are written `content-generate=2,count-words=1`."""
        if not isinstance(limits, str):
            return limits
        pairs = [pair.partition("=") for pair in limits.split(",") if pair.strip()]
        return {kind.strip(): limit.strip() for kind, _, limit in pairs}

    @field_validator("model_url")
    @classmethod
    def _http_url(cls, url: str | None) -> str | None:
        url = (url or "").strip()
        if url and not re.fullmatch(r"https?://[^\s/]+\S*", url):
            raise _wrong("is no address; write one such as http://127.0.0.1:11434/v1")
        return url or None

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        wrong: list[str] = []
        if self.heartbeat_s >= self.lease_s / 2:
            wrong.append(
                f"heartbeat_s ({self.heartbeat_s:g}) must be less than half of lease_s "
                f"({self.lease_s:g}); write heartbeat_s = {self.lease_s / 3:g}"
            )
        if self.model_url and not self.model:
            wrong.append("model_url needs a model; write the model's name on that server too")
        if self.model and not self.model_url and not _MODEL.fullmatch(self.model):
            wrong.append(
                f"model {_shown(self.model)} names no provider; write "
                '"anthropic:NAME" or "openai:NAME", or set model_url'
            )
        if wrong:
            raise _wrong("\n".join(wrong))
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder with a site in it, its settings, and where its parts lie (absolute paths)."""

    root: Path
    settings: Settings
    state_dir: Path
    content_dir: Path

    @property
    def site_file(self) -> Path:
        """The pages, sections and facts."""
        return self.root / "pressroom" / "site.yaml"

    @property
    def templates_dir(self) -> Path:
        """One YAML file for each template."""
        return self.root / "pressroom" / "templates"

    @property
    def database(self) -> Path:
        """Jobs, batches and texts."""
        return self.state_dir / "pressroom.db"

    @property
    def worker_lock(self) -> Path:
        """Held by the worker while it lives."""
        return self.state_dir / "worker.lock"

    @property
    def export_locks(self) -> Path:
        """The folder of the locks by which one export writes a page's file at a time."""
        return self.state_dir / "export-locks"

    @property
    def worker_log(self) -> Path:
        """What a detached worker has to say."""
        return self.state_dir / "worker.log"

    def create_state_dir(self) -> Path:
        """Make the state folder if it is not there, hidden from git, and return it.

        Raises:
            Unavailable: it cannot be written.
        """
        try:
            self.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            ignore = self.state_dir / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            reason = error.strerror or str(error)
            raise Unavailable(
                f"The state folder cannot be written ({reason}): make {STATE_DIR} writable, or "
                f"name another folder in {STATE_DIR_VARIABLE}."
            ) from error
        return self.state_dir


def find_workspace(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Workspace:
    """Return the workspace that is meant.

    That is `explicit`, else the folder `PRESSROOM_WORKSPACE` names, else the nearest folder from
    `cwd` upward that holds a `pressroom.toml`; never `cwd` for lack of a better one.

    Raises:
        Unavailable: there is none; says how to make one.
        SettingsProblems: its settings cannot be used.
    """
    named = environ.get(WORKSPACE_VARIABLE, "").strip()
    if explicit is not None:
        return open_workspace(_named(explicit, cwd, "--workspace"), environ)
    if named:
        return open_workspace(_named(Path(named), cwd, WORKSPACE_VARIABLE), environ)
    start = Path(os.path.abspath(cwd))  # noqa: PTH100 - a link stays as its user wrote it
    for folder in (start, *start.parents):
        if (folder / SETTINGS_FILE).is_file():
            return open_workspace(folder, environ)
    raise Unavailable(
        f"There is no workspace: no folder from here upward holds {SETTINGS_FILE}. Make one with "
        f"`pressroom init DIR`, then name it by --workspace DIR or {WORKSPACE_VARIABLE}."
    )


def open_workspace(root: Path, environ: Mapping[str, str]) -> Workspace:
    """Return the workspace in `root`; its settings are read, nothing is made.

    Raises:
        SettingsProblems: its settings cannot be used.
    """
    root = Path(os.path.abspath(root.expanduser()))  # noqa: PTH100 - as above
    settings = load_settings(root / SETTINGS_FILE, environ)
    state = environ.get(STATE_DIR_VARIABLE, "").strip() or STATE_DIR
    state_dir = Path(os.path.abspath(root / Path(state).expanduser()))  # noqa: PTH100 - as above
    content_dir = _content_dir(root, state_dir, settings.content_dir)
    return Workspace(root=root, settings=settings, state_dir=state_dir, content_dir=content_dir)


def load_settings(file: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings in `file`, overridden by `environ`.

    Raises:
        SettingsProblems: some are unknown or do not fit; all of them are named.
    """
    text = _read(file)
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsProblems(
            [f"{file.name}: this is no TOML: {error}; write lines such as concurrency = 4"]
        ) from error
    overrides = {
        name: value
        for name in Settings.model_fields
        if (value := environ.get(f"{ENV_PREFIX}{name.upper()}", "").strip())
    }
    sources = {name: f"{ENV_PREFIX}{name.upper()}" for name in overrides}
    sources |= {name: _place(file, text, name) for name in written if name not in sources}
    try:
        return Settings.model_validate(written | overrides)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise SettingsProblems([_in_words(d, sources, file.name) for d in found]) from None


def _read(file: Path) -> str:
    try:
        content = file.read_bytes()[: SETTINGS_BYTES_MAX + 1]
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsProblems(
            [f"{file.name}: it cannot be read ({reason}); `pressroom init DIR` makes a new one"]
        ) from error
    if len(content) > SETTINGS_BYTES_MAX:
        raise SettingsProblems([f"{file.name}: more than {SETTINGS_BYTES_MAX} bytes; shorten it"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingsProblems(
            [f"{file.name}:{line}: this is no UTF-8 text; save the file as UTF-8"]
        ) from error


def _named(folder: Path, cwd: Path, by: str) -> Path:
    folder = cwd / folder.expanduser()
    if (folder / SETTINGS_FILE).is_file():
        return folder
    what = f"holds no {SETTINGS_FILE}" if folder.is_dir() else "is no folder"
    raise Unavailable(
        f"The workspace that {by} names {what}: name one that was made with `pressroom init DIR`, "
        "or make it there."
    )


def _content_dir(root: Path, state_dir: Path, setting: Path) -> Path:
    """Return the content folder: a link or `..` must not lead out of the workspace unseen."""
    setting = setting.expanduser()
    folder = Path(os.path.abspath(root / setting))  # noqa: PTH100 - as above
    real = folder.resolve()
    where = f"{SETTINGS_FILE}: content_dir {_shown(str(setting))}"
    if not setting.is_absolute() and not real.is_relative_to(root.resolve()):
        raise SettingsProblems(
            [f"{where} leads out of the workspace; write a folder inside it, or an absolute path"]
        )
    if real == root.resolve():
        raise SettingsProblems([f'{where} is the workspace itself; write "content"'])
    for own in (root / "pressroom", state_dir):
        if real.is_relative_to(own.resolve()):
            raise SettingsProblems(
                [f'{where} lies in {own.name}/, which holds other things; write "content"']
            )
    return folder


def _place(file: Path, text: str, key: str) -> str:
    key_line = re.compile(rf"\s*(\[\s*)?[\"']?{re.escape(key)}[\"']?\s*[.=\]]")
    lines = enumerate(text.splitlines(), 1)
    found = next((number for number, line in lines if key_line.match(line)), None)
    return f"{file.name}:{found}: {key}" if found else f"{file.name}: {key}"


def _in_words(details: ErrorDetails, sources: Mapping[str, str], file: str) -> str:
    name = str(details["loc"][0]) if details["loc"] else ""
    where = sources.get(name, f"{file}: {name}") if name else file
    where = ".".join([where, *map(str, details["loc"][1:])])
    context = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            return f"{where} is no setting; {_advice(name, Settings.model_fields)}"
        case "setting" if not name:
            return f"{where}: {details['msg']}"
        case "setting":
            return f"{where} {details['msg']}"
        case "literal_error":
            wanted = f"one of {context['expected']}"
        case "greater_than_equal" | "greater_than" | "less_than_equal":
            sign, bound = next(iter(context.items()))
            words = {"ge": "at least", "gt": "more than", "le": "at most"}
            wanted = f"{words[sign]} {bound:,.0f}"
        case "dict_type":
            wanted = f"[{name}] and below it lines such as content-generate = 2"
        case "bool_parsing" | "bool_type":
            wanted = "true or false"
        case "int_parsing" | "int_type" | "int_from_float":
            wanted = "a whole number"
        case "float_parsing" | "float_type" | "finite_number":
            wanted = "a number"
        case _:
            wanted = "a text in quotes"
    return f"{where} is {_shown(details['input'])}; write {wanted}"


def _advice(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.7)
    return f"write {near[0]}" if near else f"settings are: {', '.join(known)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 1]}…"


def _wrong(text: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{text}", {"text": text})
