"""Whether a text can be handed in whole by a model, and how long it may take. Pure.

It is asked while a call is planned, so that nothing is paid for a text that would be cut off.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.content.template import Field, FieldType, Template
from mcp_server.content.text.fields import MARKDOWN_LENGTH_MAX, TEXT_LENGTH_MAX
from mcp_server.content.text.syntax import Hidden

BYTES_PER_TOKEN = 3
"""European languages have four letters in a token, others one letter of three bytes."""
ROOM_TOKENS = 1_000
"""For the call around the text, and a word of reasoning before it."""
TOKENS_PER_S = 40
"""What slow models write in a second."""
ANSWER_WAIT_MAX_S = 270.0
"""Seconds to wait for a long answer: less than the queue allows a job."""


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has, rather too many than too few."""
    return len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN


def answer_wait_s(tokens: int, otherwise: float) -> float:
    """Return how long to wait for an answer of so many tokens; `otherwise` for one of any length.

    A text is waited for longer only if it is long.
    """
    return max(otherwise, min(tokens / TOKENS_PER_S, ANSWER_WAIT_MAX_S))


def why_too_long(hidden: Hidden, template: Template, answer_tokens: int | None) -> str | None:
    """Return why a text cannot come back whole, and what helps; `None` if it can.

    What stands for its syntax is short, so that its code does not count.
    """
    text = hidden.text
    if answer_tokens is not None and tokens_of(text) + ROOM_TOKENS > answer_tokens:
        return (
            f"its text of {len(text):,} characters does not fit into one answer of "
            f"{answer_tokens:,} tokens; divide it (`split: h2` of its collection makes a section "
            "of each heading), or raise answer_tokens under [budget]"
        )
    room = room_of(template.fields)
    if room is not None and len(text) > room:
        return (
            f"its text has {len(text):,} characters, and the fields of its template hold {room:,}; "
            "give it a template with a field of type markdown, or raise max_length there"
        )
    return None


def room_of(fields: Sequence[Field]) -> int | None:
    """Return how many characters a template's fields hold; `None` where a list or so has no end."""
    lengths = [_length(field) for field in fields]
    known = [length for length in lengths if length is not None]
    return sum(known) if len(known) == len(lengths) else None


def _length(field: Field) -> int | None:
    match field.type:
        case FieldType.TEXT:
            return field.length_max or TEXT_LENGTH_MAX
        case FieldType.MARKDOWN:
            return field.length_max or MARKDOWN_LENGTH_MAX
        case FieldType.LIST:
            return None
        case _:
            return field.length_max
