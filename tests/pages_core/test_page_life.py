"""Any sequence of what happens to a page's file loses nothing and changes no byte unasked.

`python -m tests.pages_core` plays many more.
"""

from __future__ import annotations

from tests.pages_core.__main__ import play

SEQUENCES = 150


def test_any_sequence_loses_nothing_and_is_true_to_the_byte() -> None:
    """P7: edits, editors, git, failing disks, crashes, two servers, and changes to `site.yaml`."""
    play(SEQUENCES, 12)
