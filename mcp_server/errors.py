"""Everything this package raises on purpose, divided by what the receiver can do.

    ServerError
    ├── CallerError          the call was wrong; becomes a tool error that says what to do next
    │   ├── NotFound         no such page, section, batch or job; names the nearest
    │   ├── InvalidPayload   the arguments or the payload do not fit
    │   ├── UnknownKind      no handler of that kind is registered
    │   ├── InvalidTransition  the batch or job cannot do that in its state
    │   │   └── Overtaken    what the plan saw has changed; the same call again sees it
    │   ├── OtherText        the text is not what the call takes it for; holds what it says
    │   ├── LimitExceeded    a bound of the settings was passed
    │   └── Unavailable      the workspace is missing or broken; says how to mend it
    ├── LostClaim            this attempt must stop and write nothing
    ├── StorageError         the database refused; always has a `__cause__`
    │   ├── StorageBusy      somebody else holds the write lock; safe to try again
    │   ├── StorageUncertain  the connection was lost in a commit: it may have been made or not
    │   └── StorageOutdated  a newer Pressroom has changed the schema; this process must end
    └── ConfigError          wrong settings; nothing is opened until they are mended

Each class takes facts and writes its own message. Nobody matches on text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mcp_server.excerpt import in_quotes
from mcp_server.likeness import nearest

NAME_LIKENESS = 0.4
"""How alike, from 0 to 1, a name must be to one that is not found: `team` to `our-team`."""
ID_LIKENESS = 0.88
"""The same for an id that we made, in which a letter or two may be wrong. It is this high because
ids that were made at about the same time begin alike."""


class ServerError(Exception):
    """Base of everything this package raises on purpose."""


class CallerError(ServerError):
    """The call cannot be carried out as it was made; the message says what to do instead."""


class NotFound(CallerError):
    """Nothing of that kind has this id; `nearest` holds up to three ids that look like it."""

    def __init__(
        self,
        kind: str,
        id: str,
        *,
        known: Iterable[str] = (),
        likeness: float = NAME_LIKENESS,
        hint: str = "",
    ) -> None:
        self.kind, self.id = kind, id
        self.nearest = nearest(id, known, likeness=likeness, most=3)
        guess = f" Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(f"There is no {kind} {in_quotes(id)}.{guess}{' ' + hint if hint else ''}")


class InvalidPayload(CallerError):
    """A value does not fit; `problems` says, for each, where and why."""

    def __init__(self, subject: str, problems: Sequence[str]) -> None:
        self.subject, self.problems = subject, tuple(problems)
        super().__init__(f"{subject}: {'; '.join(problems)}")


class UnknownKind(CallerError):
    """No handler of this kind is registered."""

    def __init__(self, kind: str, known: Iterable[str]) -> None:
        self.kind = kind
        super().__init__(f"No handler for jobs of kind {kind!r}; known are: {', '.join(known)}.")


class InvalidTransition(CallerError):
    """The batch or job is in a state that does not allow this; `advice` says what does."""

    def __init__(self, subject: str, *, state: str, action: str, advice: str = "") -> None:
        self.subject, self.state, self.action = subject, state, action
        super().__init__(
            f"Cannot {action} {subject}: it is {state}.{' ' + advice if advice else ''}"
        )


class Overtaken(InvalidTransition):
    """Something changed between the look that a plan was made from and its submission."""

    def __init__(self, subject: str, *, action: str) -> None:
        super().__init__(subject, state="changing", action=action, advice="Call again.")


class OtherText(CallerError):
    """A text is not what the call takes it for.

    `words` are of the text itself, which others wrote: they are shown as data, apart from ours.
    """

    def __init__(self, section: str, why: str, *, words: str) -> None:
        self.section, self.words = section, words
        super().__init__(f"{section}: {why}. Nothing was changed.")


class LimitExceeded(CallerError):
    """A bound was passed; `maximum` is the bound, in `unit`."""

    def __init__(self, subject: str, *, actual: int, maximum: int, unit: str) -> None:
        self.actual, self.maximum = actual, maximum
        super().__init__(f"{subject}: {actual} {unit}, and at most {maximum} are allowed.")


class Unavailable(CallerError):
    """The workspace cannot be worked with as it is; the message says how to mend it."""


class LostClaim(ServerError):
    """The claim belongs to another attempt now: stop, and write nothing."""

    def __init__(self, job_id: str, attempt_id: str) -> None:
        self.job_id, self.attempt_id = job_id, attempt_id
        super().__init__(f"attempt {attempt_id} no longer holds job {job_id}")


class StorageError(ServerError):
    """The database refused; `__cause__` is what it said.

    `shown` is what a client may be told of it: what is wrong and what helps, without a path.
    `shared` says that it was a database that machines share, and no file of the workspace's.
    """

    def __init__(self, message: str, *, shown: str = "", shared: bool = False) -> None:
        self.shown, self.shared = shown, shared
        super().__init__(message)


class StorageBusy(StorageError):
    """Another process held the write lock for too long; trying again is safe."""


class StorageUncertain(StorageError):
    """Nobody can say whether what was to be written was: look before it is tried again."""


class StorageOutdated(StorageError):
    """A newer Pressroom brought the database to its schema while we had it open."""

    def __init__(self, found: int, known: int) -> None:
        why = (
            f"a newer Pressroom has brought it to schema {found} (this one knows {known}): "
            "upgrade this one, or start the newer one in its place"
        )
        super().__init__(why, shown=why)


class ConfigError(ServerError):
    """The settings cannot be used; the message says which and what to write instead."""
