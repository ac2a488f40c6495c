"""What the checks have to say of the sections of a site together, found at each call anew."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from mcp_server.content.actions.site_content import SiteContent
from mcp_server.entities.entity import Finding, Revision, page_of
from mcp_server.entities.meaning import MeaningStore
from mcp_server.meaning.local import NAME

if TYPE_CHECKING:
    from mcp_server.content.checks.between.sides import Text

UNLINKED = Finding(level="noted", kind="no other page links to this page")
SECTIONS_MAX = 1_000
"""Sections that are compared while somebody waits: three seconds. `check` compares all."""
VECTORS_AT_ONCE = 2_000
"""Vectors that are read together: 4 MB."""

Vectors = Mapping[tuple[str, str], bytes]
"""By type and id of the entity."""


async def vectors_of(meaning: MeaningStore, texts: Mapping[str, Revision | str]) -> Vectors:
    """Return the vectors of these texts, as far as they are known and of their present words.

    Only those of the embedder that comes with Pressroom: how near two texts are that say the same
    was measured with it.
    """
    wanted = [((e.type, id), e.hash) for id, e in texts.items() if isinstance(e, Revision)]
    found: dict[tuple[str, str], bytes] = {}
    for start in range(0, len(wanted), VECTORS_AT_ONCE):
        some = {key: hash for key, hash in wanted[start : start + VECTORS_AT_ONCE] if hash}
        found |= await meaning.vectors_of(some, embedder=NAME)
    return found


def findings_between_texts(
    content: SiteContent,
    texts: Mapping[str, Revision | str],
    vectors: Vectors,
    *,
    only: Collection[str] | None = None,
) -> Mapping[str, tuple[Finding, ...]]:
    """Return what there is to say of texts together, by section. Pure.

    Of what nobody has written, such as placeholders, nothing is said, nor of keys of front matter.
    `only` these sections are compared with each other; links are looked for in all.
    """
    from mcp_server.content.checks.between.findings import (  # noqa: PLC0415 - a fifth of a second
        findings_between,
    )
    from mcp_server.content.checks.between.unlinked import (  # noqa: PLC0415 - it comes with that
        unlinked,
    )

    read = [*_texts(content, texts, vectors)]
    compared = [e for e in read if only is None or e.id in only]
    found = {id: [*each] for id, each in findings_between(compared).items()}
    for page in unlinked(content.site, read):
        first = next((id for id in texts if page_of(id) == page), None)
        if first is not None:
            found.setdefault(first, []).append(UNLINKED)
    return {id: tuple(each) for id, each in found.items()}


def _texts(
    content: SiteContent, texts: Mapping[str, Revision | str], vectors: Vectors
) -> Iterator[Text]:
    from mcp_server.content.checks.between.sides import Text  # noqa: PLC0415 - as above

    for id, each in texts.items():
        section = content.site.section(id)
        if section is None or content.site.is_meta(section):
            continue
        if isinstance(each, Revision) and each.is_placeholder:
            continue
        page = page_of(id)
        yield Text(
            id,
            page,
            each if isinstance(each, str) else each.markdown or "",
            content.site.language_of(page).partition("-")[0].lower(),
            vectors.get((each.type, id)) if isinstance(each, Revision) else None,
        )


def compared_with(shown: Sequence[str], texts: Collection[str]) -> Collection[str] | None:
    """Return the sections to compare where these are shown; `None` for all.

    Of a large site those that are shown, and the first others: nobody waits for the rest.
    """
    if len(texts) <= SECTIONS_MAX:
        return None
    return {*shown, *islice(texts, SECTIONS_MAX - len(shown))}
