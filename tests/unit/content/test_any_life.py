"""Any sequence of moves leaves the texts as the model says, by the pure core alone.

`python -m tests.lifecycle` plays many more, and some through real workers.
"""

from __future__ import annotations

from tests.lifecycle.__main__ import play

SEQUENCES = 200


def test_any_sequence_of_moves_comes_to_what_the_model_says() -> None:
    """Nothing is lost, what is locked stays, what is withdrawn is published by name only."""
    for number in range(SEQUENCES):
        play(f"ci:{number}")
