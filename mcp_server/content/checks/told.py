"""Findings in words, and which of them keep a draft from a bulk promote. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mcp_server.content.site import Site
from mcp_server.entities.entity import PREVIEW, Finding, Revision
from mcp_server.excerpt import in_quotes

PLACEHOLDER = Finding(level="noted", kind="placeholder")
"""Of every text of the composer: its facts are the owner's, and its words nobody's."""
NAMED_MAX = 3
"""Findings that a sentence names; the others are counted."""
_IN_NO_SOURCE = " in no source"
_SYNTAX_GONE = "existing syntax gone"
"""Of a redraft that lacks what a generator read in the text before (P14)."""
PIECE_LENGTH_MAX = 300
"""Characters of a piece of syntax that a finding keeps: a block of code may have thousands."""


def as_noted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings of a placeholder: nobody is kept from seeing his own facts."""
    noted = (Finding(level="noted", kind=each.kind, piece=each.piece) for each in findings)
    return (PLACEHOLDER, *noted)


def syntax_gone(piece: str) -> Finding:
    """Return the finding on a piece of syntax that a redraft lacks."""
    return Finding(level="held", kind=_SYNTAX_GONE, piece=piece[:PIECE_LENGTH_MAX])


def still_gone(before: Revision | None, text: str) -> tuple[Finding, ...]:
    """Return what the draft `before` lacks and `text`, which was made from it, lacks too.

    What is live has been said yes to.
    """
    if before is None or before.type != PREVIEW:
        return ()
    found = before.findings or ()
    return tuple(e for e in found if e.kind == _SYNTAX_GONE and e.piece not in text)


def is_unsaid(finding: Finding) -> bool:
    """Whether a finding says that something stands in no source."""
    return finding.kind.endswith(_IN_NO_SOURCE)


def in_words(finding: Finding) -> str:
    """Return a finding as a list shows it. What must not be in a text is not shown."""
    if finding.level == "refused" or not finding.piece:
        return finding.kind
    return f"{finding.kind}: {in_quotes(finding.piece)}"


def held_by(revision: Revision, site: Site) -> tuple[Finding, ...]:
    """Return what keeps a draft from a bulk promote, as far as it still holds.

    What is in no source when it is drafted may be a fact of the site by now. Call it in a thread:
    the text is checked anew, and a long one full of figures takes a second.
    """
    found = [each for each in revision.findings or () if each.level != "noted"]
    section = site.section(revision.entity_id)
    if not found or section is None or revision.markdown is None:
        return tuple(found)
    # A fifth of a second, and most sites hold nothing.
    from mcp_server.content.checks.check import check  # noqa: PLC0415
    from mcp_server.content.checks.sources import sources_of  # noqa: PLC0415

    again = check(
        revision.markdown,
        section=section,
        site=site,
        template=site.templates.get(section.template or ""),
        sources=sources_of(site, section, instructions=revision.instructions),
        most=None,
    )
    lasting = ("refused", _SYNTAX_GONE)
    return tuple(e for e in found if e.level in lasting or e.kind in lasting or e in again)


def why_held(findings: Sequence[Finding]) -> str:
    """Return a phrase that says what a draft is held for: `'€85' stands in no source`.

    Figures are named. An address, or what was left to be done, may be words that address the
    reader: only review shows them, between marks.
    """
    said = [_why(each) for each in findings[:NAMED_MAX]]
    more = f" and {len(findings) - NAMED_MAX} more" if len(findings) > NAMED_MAX else ""
    return ", ".join(dict.fromkeys(said)) + more


def _why(finding: Finding) -> str:
    if not is_unsaid(finding):
        return in_words(finding) if finding.kind == "another language" else finding.kind
    kind = finding.kind.removesuffix(_IN_NO_SOURCE)
    if kind == "address":
        return "an address stands in no source"
    return f"the {kind} {in_quotes(finding.piece)} stands in no source"
