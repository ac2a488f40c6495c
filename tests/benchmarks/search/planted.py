"""How much of what is planted the checks between sections find, and what else they say.

    python -m tests.benchmarks.search.planted

Each case is a site of its own. All of them are known to the checks, which were made and mended by
them; of pairs not seen before, about 0.7 were found. With the package `pressroom[meaning]` the
texts have vectors, too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from mcp_server.content.checks.between.findings import findings_between
from mcp_server.content.checks.between.sides import Text
from mcp_server.entities.entity import Finding
from mcp_server.meaning.local import is_installed, vectors
from tests.benchmarks.search.labelled import Case, cases, cases_again, sections

AT_ONCE = 64
"""Texts that are embedded together."""
SAME = "says the same"


@dataclass(frozen=True, slots=True)
class Figures:
    """How often what was said of two sections is what should be said."""

    right: int
    wrong: int
    missed: int

    @property
    def recall(self) -> float:
        """Share of what is planted that was found."""
        return self.right / (self.right + self.missed)

    @property
    def precision(self) -> float:
        """Share of what was found that is planted."""
        return self.right / (self.right + self.wrong)


def found_in(case: Case, known: Mapping[str, bytes]) -> tuple[Finding, ...]:
    """Return what is said of the first of two sections; of the second it is the same."""
    texts = [
        Text(
            each.section,
            each.section.rpartition("/")[0],
            each.text,
            each.language,
            known.get(each.text),
        )
        for each in (case.first, case.second)
    ]
    # The sections of a decoy may be of one page: it is compared as one of a larger site.
    return findings_between([*texts, Text("other/page", "other", "")]).get(case.first.section, ())


def measured(some: Sequence[Case], known: Mapping[str, bytes]) -> Figures:
    """Return how many findings of these cases are right, wrong and missed."""
    counts = Counter[str]()
    for case in some:
        kinds = {
            "duplicate" if each.kind.startswith(SAME) else "contradiction"
            for each in found_in(case, known)
        }
        wanted = set[str]() if case.finding == "none" else {case.finding}
        counts["right"] += len(kinds & wanted)
        counts["wrong"] += len(kinds - wanted)
        counts["missed"] += len(wanted - kinds)
    return Figures(counts["right"], counts["wrong"], counts["missed"])


def found_in_whole_sites(known: Mapping[str, bytes]) -> int:
    """Return how many findings there are in the three sites of the search, which are right."""
    count = 0
    for _, site in groupby(sections(), key=lambda section: section.site):
        texts = [
            Text(s.id, s.id.rpartition("/")[0], s.text, s.language, known.get(s.text)) for s in site
        ]
        count += sum(map(len, findings_between(texts).values()))
    return count


def vectors_of(texts: Sequence[str]) -> Mapping[str, bytes]:
    """Return the vector of each text, by the small model that comes with Pressroom."""
    known: dict[str, bytes] = {}
    for start in range(0, len(texts), AT_ONCE):
        some = texts[start : start + AT_ONCE]
        known |= {t: v for t, v in zip(some, vectors(some), strict=True) if v is not None}
    return known


def main() -> None:
    """Print a line for each set of cases, with vectors and without."""
    sets = {
        "planted, even": cases()[::2],
        "planted, odd": cases()[1::2],
        "planted": cases(),
        "again": cases_again(),
    }
    texts = [each.text for case in (*cases(), *cases_again()) for each in (case.first, case.second)]
    texts += [section.text for section in sections()]
    by_what = {"words": dict[str, bytes]()}
    if is_installed():
        by_what["words and vectors"] = dict(vectors_of([*dict.fromkeys(texts)]))
    for what, known in by_what.items():
        for name, some in sets.items():
            figures = measured(some, known)
            row = {"figure": "findings between sections", "set": name, "by": what}
            row |= {name: round(getattr(figures, name), 3) for name in ("recall", "precision")}
            print(json.dumps(row | asdict(figures)))
        count = found_in_whole_sites(known)
        print(
            json.dumps({"figure": "findings in sites that are right", "by": what, "found": count})
        )


if __name__ == "__main__":
    main()
