"""The settings of a workspace, with defaults and bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from mcp_server.config.database import database_of
from mcp_server.config.words import left_literal, pairs_in, shown

KEY_VARIABLE = "PRESSROOM_MODEL_KEY"
"""The key of an OpenAI-compatible server. Never OPENAI_API_KEY: it is not that server's to see."""

PASSWORD_IN_ADDRESS = (
    f"holds a name or a password; take it out, and put the key into {KEY_VARIABLE}"
)

_MODEL = re.compile(r"[a-z][a-z0-9-]*:\S+")
_PROVIDERS_MODEL = re.compile(r"[a-z][a-z0-9/-]*:[\x21-\x7e]{1,200}")

OWN_EMBEDDERS = ("auto", "local", "words", "off")
AT_MODEL_URL = "server:"
"""How the name of an embedder begins that is asked for at `model_url`."""


class Budget(BaseModel):
    """What asking the model may cost, in US dollars. Without limits, any amount."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_usd: float | None = Field(default=None, ge=0, le=1_000_000, allow_inf_nan=False)
    """The most that one batch may cost, over all its rounds; `maxCostUsd` only lowers it."""
    day_usd: float | None = Field(default=None, ge=0, le=1_000_000, allow_inf_nan=False)
    """The most that all batches may cost in a day, by UTC."""
    input_usd: float | None = Field(default=None, ge=0, le=1_000_000, allow_inf_nan=False)
    """The price of a million tokens that the model reads, for a model whose price is in no list."""
    output_usd: float | None = Field(default=None, ge=0, le=1_000_000, allow_inf_nan=False)
    """The price of a million tokens that it writes."""
    answer_tokens: int = Field(default=16_000, ge=500, le=1_000_000)
    """The most tokens that one answer may have, its reasoning included: so much is reserved."""

    @model_validator(mode="after")
    def _priced_whole(self) -> Self:
        if (self.input_usd is None) != (self.output_usd is None):
            raise _wrong("input_usd and output_usd are set together, or neither is")
        return self


class Settings(BaseModel):
    """What a workspace may set. `Settings()` is the defaults; the environment is not read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = None
    """Who writes: `anthropic:…`, `openai:…`, or a name at `model_url`. Without one, or with
    `composer`, texts are placeholders made from the site's facts."""
    model_url: str | None = None
    """Address of an OpenAI-compatible server, such as `http://127.0.0.1:11434/v1`. Its key, if it
    wants one, is in `PRESSROOM_MODEL_KEY`."""
    database: str = ""
    """Where jobs and texts are kept: empty for a file in the state folder, or the address of a
    PostgreSQL database that several machines share, `postgresql://USER@HOST/NAME`. Its password
    belongs into `PGPASSWORD` or `~/.pgpass`."""
    workspace_id: str = ""
    """What this workspace is called in a shared database: the same on every machine, and another
    for every site."""
    database_pooled: bool = False
    """Whether a pooler that lends connections for one transaction, such as PgBouncer, stands before
    the shared database. Nothing is prepared then, and others' commits are looked for."""
    content_id: str = ""
    """Where machines share the folder of the pages' files: what it is called, the same on each of
    them. Without it, the folder is one machine's; see docs/scaling.md."""
    content_dir: Path = Path("content")
    """The folder of the pages' files; relative to the workspace and inside it, or absolute."""
    worker: Literal["auto", "embedded", "detached"] = "auto"
    """Where the worker runs; `auto`: detached under stdio, embedded under HTTP."""
    worker_idle_s: float = Field(default=60, gt=0, le=86_400)
    """How long a detached worker stays without work before it ends."""
    several_workers: bool = False
    """Whether several workers may work this workspace at the same time; those of a shared
    `database` always may."""
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
    """Tries at a draft after the first one; to wait for a busy model costs none. Other work is
    tried four times."""
    crashes_max: int = Field(default=10, ge=1, le=1_000)
    """How many times a job's worker may die while it runs before the job counts as failed."""
    composer_delay_s: float = Field(default=0, ge=0, le=60)
    """Slows the composer, for demonstrations and tests."""
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """`NORMAL` is faster, and may lose the last commits in a power cut."""
    prune_after_h: float = Field(default=24, gt=0, le=24 * 365)
    """Age at which completed jobs are removed; batches and texts stay."""
    prune_interval_h: float = Field(default=1, gt=0, le=24 * 365)
    """How often a worker looks for jobs to remove; it does so at its start too."""
    poll_s: float = Field(default=0.1, gt=0, le=60)
    """How often we look for other processes' commits, while somebody waits for one."""
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
    """Jobs of a kind that run at once at most, over all workers: `[limits]`, then `kind = 2`; in
    the variable `kind=2,other=1`."""
    subscriber_buffer: int = Field(default=256, ge=1, le=100_000)
    """Progress events kept for a slow listener."""
    embedder: str = "auto"
    """What texts are embedded with, to be found by meaning: `local` is a small model that
    runs here, with `words` only words are found, and `off` keeps search out of date. `auto` is
    `local` where `pressroom[meaning]` is installed, otherwise `words`. Or a provider's model, such
    as `openai:text-embedding-3-small`, or `server:NAME` for one at `model_url`."""
    related_tokens: int = Field(default=1_000, ge=0, le=20_000)
    """Tokens of other sections' texts that a model is shown with each draft, so that it neither
    repeats nor contradicts them: the nearest by meaning, for which search must find texts by
    meaning. 0: none. `related: false` in a template: none for its sections."""
    budget: Budget = Budget()
    """What asking the model may cost, in US dollars: `[budget]`, then `batch_usd = 2`; in the
    variable `batch_usd=2,day_usd=10`."""

    @field_validator("model")
    @classmethod
    def _composer_is_none(cls, model: str | None) -> str | None:
        model = (model or "").strip()
        if not re.fullmatch(r"[\x21-\x7e]{0,200}", model):
            raise _wrong("is no name of a model; write one without blanks")
        return None if model in {"", "composer"} else model

    @property
    def shares_work(self) -> bool:
        """Whether there may be several workers, none of which knows the others by a lock."""
        return self.several_workers or bool(self.database)

    @field_validator("embedder")
    @classmethod
    def _own_or_a_provider_s(cls, embedder: str) -> str:
        embedder = embedder.strip()
        if embedder not in OWN_EMBEDDERS and not _PROVIDERS_MODEL.fullmatch(embedder):
            named = ", ".join(f'"{each}"' for each in OWN_EMBEDDERS)
            raise _wrong(
                f"is no embedder; write one of {named}, or a provider's model, such as "
                '"openai:text-embedding-3-small"'
            )
        return embedder

    @field_validator("limits", "budget", mode="before")
    @classmethod
    def _pairs(cls, table: object) -> object:
        """Read `content-generate=2,count-words=1`, as an environment variable has it."""
        return pairs_in(table) if isinstance(table, str) else table

    @field_validator("model_url")
    @classmethod
    def _http_url(cls, url: str | None) -> str | None:
        url = (url or "").strip()
        parts = _split(url)
        if url and parts is None:
            raise _wrong("is no address; write one such as http://127.0.0.1:11434/v1")
        if parts is not None and "@" in parts.netloc:
            raise _wrong(PASSWORD_IN_ADDRESS)
        if parts is not None and (parts.query or parts.fragment):
            raise _wrong(
                "has more than an address and a path; end it before `?` or `#`, and put a key "
                f"into {KEY_VARIABLE}"
            )
        if parts is None:
            return None
        return parts._replace(path=_ENDPOINT.sub("", parts.path)).geturl()

    @field_validator("database")
    @classmethod
    def _postgres_url(cls, address: str) -> str:
        if not (address := address.strip()):
            return ""
        if database_of(address) is None:
            raise _wrong(
                "is no address of a database; write one such as postgresql://USER@HOST/NAME"
            )
        return address

    @field_validator("workspace_id", "content_id")
    @classmethod
    def _slug(cls, id: str) -> str:
        if id and not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", id):
            raise _wrong("is no id; write up to 40 small letters, digits and _, a letter first")
        return id

    @field_validator("database", "model", "model_url", "content_dir", "embedder", mode="before")
    @classmethod
    def _filled_in(cls, value: object) -> object:
        if isinstance(value, str) and (literal := left_literal(value)):
            raise _wrong(f"holds {literal} as it stands: nothing fills it in; write the value")
        return value

    @field_validator("content_dir", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise _wrong('is empty; write "content", or "." for the workspace itself')
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        wrong: list[str] = []
        if self.heartbeat_s >= self.lease_s / 2:
            wrong.append(
                f"heartbeat_s ({self.heartbeat_s:g}) must be less than half of lease_s "
                f"({self.lease_s:g}); write heartbeat_s = {self.lease_s / 3:g}"
            )
        if self.database and not self.workspace_id:
            wrong.append(
                "database needs a workspace_id (or PRESSROOM_WORKSPACE_ID); write the site's name "
                "in small letters, the same on every machine"
            )
        embeds_there = self.embedder.startswith(AT_MODEL_URL)
        if self.model_url and not self.model and not embeds_there:
            wrong.append("model_url needs a model; write the model's name on that server too")
        if embeds_there and not self.model_url:
            wrong.append(
                f"embedder {shown(self.embedder)} needs model_url; write the server's address too"
            )
        if self.model and not self.model_url and not _MODEL.fullmatch(self.model):
            wrong.append(
                f"model {shown(self.model)} names no provider; write "
                '"anthropic:NAME" or "openai:NAME", or set model_url'
            )
        if wrong:
            raise _wrong("\n".join(wrong))
        return self

    @property
    def embedding_model(self) -> tuple[str, str | None] | None:
        """The model that embeds, and its server's address where that is `model_url`.

        `None`: it is none of a provider's.
        """
        if self.embedder in OWN_EMBEDDERS:
            return None
        if self.embedder.startswith(AT_MODEL_URL):
            return self.embedder.removeprefix(AT_MODEL_URL), self.model_url
        return self.embedder, None


_ENDPOINT = re.compile(r"/+(?:(?:chat/)?completions|responses|models|embeddings)?/*$")
"""How whole endpoints of OpenAI's API end. They are copied from examples of `curl`, and no API
begins at one."""


def without_password(url: object) -> str | None:
    """Return an address without the name and password in it, `None` if it holds neither.

    Its user is told to take the password out; we neither store it nor send it.
    """
    if not isinstance(url, str) or (parts := _split(url.strip())) is None or "@" not in url:
        return None
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host).geturl() if host != parts.netloc else None


def _split(url: str) -> SplitResult | None:
    """Return the parts of an address, `None` if no request can be sent to it."""
    if not re.fullmatch(r"https?://[^\s/]+\S*", url):
        return None
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and parts.port != 0 else None
    except ValueError:  # a port that is no number, or half of an IPv6 address
        return None


def _wrong(text: str) -> PydanticCustomError:
    # The message is a template to pydantic: a text with braces in it must not be one.
    return PydanticCustomError("setting", "{text}", {"text": text})
