"""What people are told of settings that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic_core import ErrorDetails

from mcp_server.excerpt import shortened
from mcp_server.likeness import did_you_mean, nearest
from mcp_server.redaction import HIDDEN, redacted

_SHOWN_MAX = 60
_VARIABLE_LIKENESS = 0.7
"""Higher than for other names: all variables begin with PRESSROOM_, and are alike by that alone."""
_SAID_MAX = 200
"""Of what a plugin's own check has to say."""
_SECRET = re.compile(r"[\w+/=.~-]{20,}")
"""A word as long as a key. It is not repeated: it may be a key that was put in the wrong place."""
_KEY_NAME = re.compile(r"key|token|secret|password", re.IGNORECASE)
_WANTED = {
    **dict.fromkeys(("bool_parsing", "bool_type"), "true or false"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_parsing", "float_type", "finite_number"), "a number"),
    "model_type": "a table: [budget], and below it lines such as batch_usd = 2",
    **dict.fromkeys(("string_type", "path_type"), "a text in quotes"),
}
"""What to write, by pydantic's name of the mistake."""
_LITERAL = re.compile(r"\$\{[^}]*\}|^\$[A-Za-z_]\w*$|^%[A-Za-z_]\w*%$")


def left_literal(text: str) -> str | None:
    """Return the placeholder that `text` still holds, such as `${VARIABLE}`, `None` without one.

    Some clients fill in the placeholders in their configuration, others pass them on as they are.
    """
    found = _LITERAL.search(text.strip())
    return shortened(found[0], _SHOWN_MAX) if found else None


def pairs_in(text: str) -> dict[str, str]:
    """Return the pairs of `batch_usd=2,day_usd=10`, as an environment variable has them."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def place(file: Path, text: str, key: str) -> str:
    """Return where in the file a setting is: `pressroom.toml:3: model`."""
    key_line = re.compile(rf"\s*(\[\s*)?[\"']?{re.escape(key)}[\"']?\s*[.=\]]")
    lines = enumerate(text.splitlines(), 1)
    found = next((number for number, line in lines if key_line.match(line)), None)
    return f"{file.name}:{found}: {_named(key)}" if found else f"{file.name}: {_named(key)}"


def place_in(file: Path, text: str, table: Sequence[str], key: str) -> str:
    """Return where in a table of the file a key is: `pressroom.toml:7: plugins.words.longest`."""
    header, subtable = _header(table), _header([*table, key])
    key_line = re.compile(rf"\s*{_quoted(key)}\s*[.=]")
    inside, found = False, ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("["):
            inside = header.match(line) is not None
        if subtable.match(line) or (inside and key_line.match(line)):
            found = f":{number}"
            break
    return f"{file.name}{found}: {'.'.join(map(_named, [*table, key]))}"


def in_words(
    details: ErrorDetails, sources: Mapping[str, str], file: str, known: Sequence[str]
) -> str:
    """Return one mistake with its place, and what to write instead.

    `sources` are the places of settings, `known` the names of all.
    """
    name = str(details["loc"][0]) if details["loc"] else ""
    where = sources.get(name, f"{file}: {_named(name)}") if name else file
    where = ".".join([where, *map(_named, details["loc"][1:])])
    match details["type"]:
        case "extra_forbidden":
            within = len(details["loc"]) > 1
            advice = "docs/settings.md lists them" if within else _advice(name, known)
            return f"{where} is no setting; {advice}"
        case "setting" if not name:
            return f"{where}: {details['msg']}"
        case "setting":
            return f"{where} {details['msg']}"
        case "missing":
            return f"{where} is missing; write it"
        case _ if wanted := _wanted(name, details["type"], details.get("ctx", {})):
            return f"{where} is {shown(details['input'])}; write {wanted}"
        case _:  # of a plugin's settings, which may be of any type
            said = " ".join(details["msg"].split())[:_SAID_MAX]
            return f"{where}: {_SECRET.sub(HIDDEN, redacted(said))}"


def _wanted(name: str, mistake: str, context: Mapping[str, object]) -> str | None:
    """Return what is to be written, where it can be said better than pydantic does."""
    match mistake:
        case "literal_error" | "enum":
            return f"one of {context['expected']}"
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            sign, bound = next(iter(context.items()))
            words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
            is_number = isinstance(bound, int | float)
            return f"{words[sign]} {f'{bound:,.10g}' if is_number else bound}"
        case "dict_type" if name == "limits":
            return f"[{name}] and below it lines such as content-generate = 2"
        case _:
            return _WANTED.get(mistake)


def unknown_variable(name: str, known: Iterable[str]) -> str:
    """Return the warning that a variable is none of ours and changes nothing."""
    guess = did_you_mean(name, known, likeness=_VARIABLE_LIKENESS)
    return f"{redacted(name)} is no variable of Pressroom's and changes nothing{guess}"


def shown(value: object) -> str:
    """Return a value as it may be repeated in a chat: one word, and none that may be a secret.

    A stranger may have made the workspace, and no sentence of theirs is to reach the chat's model.
    """
    if isinstance(value, str):
        one_word = len(value) <= _SHOWN_MAX and not re.search(r"[^\x21-\x7e]", value)
        text = repr(value) if one_word else f"a text of {len(value)} characters"
    else:
        text = repr(value)
        if len(text) > _SHOWN_MAX or not isinstance(value, int | float):
            text = f"a {type(value).__name__}"
    return _SECRET.sub(HIDDEN, redacted(text))


def _header(table: Sequence[str]) -> re.Pattern[str]:
    name = r"\s*[.]\s*".join(map(_quoted, table))
    return re.compile(rf"\s*\[\s*{name}\s*\]")


def _quoted(key: str) -> str:
    return rf"[\"']?{re.escape(key)}[\"']?"


def _named(part: object) -> str:
    """Return a key as it is written, if it is a plain name; the reason is that of `shown`."""
    is_name = re.fullmatch(r"[\w-]{1,40}", str(part)) and not _SECRET.search(str(part))
    return str(part) if is_name else "(a key that is no name)"


def _advice(name: str, known: Sequence[str]) -> str:
    if _KEY_NAME.search(name):
        return "keys belong in the environment or in the system keyring, never in a file"
    near = nearest(name, known)
    return f"write {near[0]}" if near else f"settings are: {', '.join(known)}"
