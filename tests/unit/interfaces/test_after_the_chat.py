"""What a caller is told about the time after the chat."""

from __future__ import annotations

from mcp_server.clock import SystemClock
from mcp_server.content.actions.calls import Planned, Submitted
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.queued import Queued
from mcp_server.progress.verbs import GENERATE

QUEUED = Submitted(
    verb=GENERATE,
    total_sections=1,
    planned=(Planned(section="menu/hero", change="draft"),),
    batch_id="b_1",
)


def test_work_that_goes_on_without_the_server_is_said_to() -> None:
    """A detached worker outlives the chat."""
    message = Queued(marks=Marks(SystemClock()), submitted=QUEUED).reply().message
    assert message.endswith("Work goes on after this chat is closed.")


def test_work_that_ends_with_the_server_is_said_to_resume() -> None:
    """Where the host kills its children, the batch resumes at the next start."""
    message = Queued(marks=Marks(SystemClock()), submitted=QUEUED, outlives=False).reply().message
    assert message.endswith("resumes when it is started again.")
