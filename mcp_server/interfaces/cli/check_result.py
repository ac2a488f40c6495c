"""The result of `check`, as its `--json` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_server.content.actions.calls import Quoted
from mcp_server.content.actions.checked import Checked
from mcp_server.content.checks.told import in_words


def check_result(checked: Checked) -> Mapping[str, Any]:
    """Return the result as JSON has it; each finding with the words that people are shown."""
    return {
        "well": checked.is_well,
        "texts": checked.count,
        "findings": [
            {
                "section": text.section,
                "level": each.level,
                "kind": each.kind,
                **({"piece": each.piece} if each.piece else {}),
                "message": in_words(each),
            }
            for text in checked.texts
            for each in text.findings
        ],
        "notes": [f"{n.said} {n.words}" if isinstance(n, Quoted) else n for n in checked.notes],
    }
