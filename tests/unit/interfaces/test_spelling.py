"""Calls of tools, spelled as commands."""

from __future__ import annotations

import pytest

from mcp_server.interfaces.cli.spelling import VERBS, as_commands, option
from mcp_server.interfaces.mcp.tools.catalogue import TOOLS


@pytest.mark.parametrize(
    ("said", "spelled"),
    [
        ('retry {"batchId": "b_1"}', "pressroom retry b_1"),
        ('promote {"page": "menu", "dryRun": true}', "pressroom promote menu --dry-run"),
        ('review {"page": "menu", "section": "hero"}', "pressroom review menu/hero"),
        (
            'generate {"sections": ["a/b", "a/c"], "mode": "new"} or promote {"force": true}',
            "pressroom generate a/b a/c --mode new or pressroom promote --force",
        ),
        ('promote {"batchId": "b_1"} does it', "pressroom promote --batch-id b_1 does it"),
        (
            'generate {"instructions": "it\'s ours; rm x"}',
            "pressroom generate --instructions 'it'\"'\"'s ours; rm x'",
        ),
        ('status {"batchId": "b_1", "waitSeconds": 45}', "pressroom status b_1"),
        ('review {"state": ["draft", "live"]}', "pressroom review --state draft --state live"),
        (
            'edit {"section": "a/b", "fields": {"title": "Ähren \\"4\\""}}',
            """pressroom edit a/b --fields '{"title": "Ähren \\"4\\""}'""",
        ),
        (
            'edit {"page": "a", "replace": [{"old": "9 €", "new": "8"}, {"old": "x", "new": ""}]}',
            "pressroom edit a --replace '9 €' --with 8 --replace x --with ''",
        ),
        ('retry {"batchId": "b_', 'retry {"batchId": "b_'),
        ('count-words {"page": "menu"}', 'count-words {"page": "menu"}'),
    ],
)
def test_a_call_is_spelled_as_the_command_that_does_the_same(said: str, spelled: str) -> None:
    """As a shell takes it; what is no call of ours, or was cut short, stays."""
    assert as_commands(said) == spelled


def test_every_tool_is_a_command() -> None:
    """So that no answer suggests what a terminal has not."""
    assert {tool.name for tool in TOOLS} == VERBS


def test_an_option_has_the_arguments_name() -> None:
    """In the words of a command line."""
    assert [option(name) for name in ("dryRun", "batchId", "maxCostUsd", "page")] == [
        "--dry-run",
        "--batch-id",
        "--max-cost-usd",
        "--page",
    ]


@pytest.mark.parametrize(
    "text",
    [
        'promote {"page": 7}',
        'promote {"sections": 8}',
        'status {"pages": [1]}',
        "promote {" + '"a": {' * 5_000,
    ],
)
def test_a_call_that_somebody_made_up_stays_as_it_is(text: str) -> None:
    """It may be quoted from a file, of any shape."""
    assert as_commands(text) == text


def test_words_between_marks_are_not_spelled_as_commands() -> None:
    """Or a file could show a command at the terminal as ours; the marks themselves go."""
    marked = '<text-0123>promote {"page": "menu"}</text-0123>'
    text = f'promote {{"page": "a"}}: {marked} status {{"batchId": "b_1"}}'
    spelled = 'pressroom promote a: promote {"page": "menu"} pressroom status b_1'
    assert as_commands(text) == spelled
