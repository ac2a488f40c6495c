"""The labelled sections, queries and pairs that search and findings are measured by."""

from __future__ import annotations

import re
from collections import Counter

from tests.benchmarks.search.labelled import Query, Section, cases, queries, sections

SECTIONS = {(section.site, section.id): section for section in sections()}


def test_every_section_has_an_id_of_its_own_and_a_believable_length() -> None:
    """From 40 to 180 words, without the lines of tables."""
    assert len(SECTIONS) == len(sections()) == 126
    lengths = {
        key: len(re.sub(r"[|]|---:?", " ", section.text).split())
        for key, section in SECTIONS.items()
    }
    assert {key: words for key, words in lengths.items() if not 40 <= words <= 180} == {}


def test_the_sections_are_of_three_languages_by_thirds() -> None:
    """A translation names its original, which is of the same site and another language."""
    assert Counter(section.language for section in sections()) == {"en": 45, "de": 40, "fr": 41}
    translations = [section for section in sections() if section.translates is not None]
    assert len(translations) == 27
    assert all(
        SECTIONS[section.site, section.translates].language != section.language
        for section in translations
        if section.translates is not None
    )


def test_every_label_names_a_section_of_the_site_that_was_asked() -> None:
    """And each query has an answer."""
    asked = {(query.site, section) for query in queries() for section in query.relevant}
    assert asked - SECTIONS.keys() == set()
    assert [query.query for query in queries() if 2 not in query.relevant.values()] == []


def test_where_a_section_helps_its_translations_are_labelled_too() -> None:
    """A search that finds the other language is not wrong."""
    for query in queries():
        originals = {_original(SECTIONS[query.site, section]) for section in query.relevant}
        helpful = {
            section.id
            for section in sections()
            if section.site == query.site and _original(section) in originals
        }
        assert query.relevant.keys() == helpful, query.query


def test_no_query_stands_twice() -> None:
    """Case does not make another one."""
    asked = Counter((query.site, query.query.casefold()) for query in queries())
    assert [query for query, times in asked.items() if times > 1] == []


def test_queries_are_balanced_and_half_of_them_were_asked_before_the_texts_were_there() -> None:
    """Of each kind and language there are enough to tell them apart."""
    assert len(queries()) == 164
    assert Counter(query.seen for query in queries()) == {False: 82, True: 82}
    for seen in (False, True):
        kinds = Counter(query.kind for query in queries() if query.seen is seen)
        assert len(kinds) == 5
        assert min(kinds.values()) >= 13
    assert min(Counter(query.kind for query in queries()).values()) >= 28
    assert min(Counter(query.language for query in queries()).values()) >= 50


def test_only_a_query_across_languages_has_no_answer_in_its_own() -> None:
    """All others find theirs in the language they were asked in."""
    for query in queries():
        languages = {answer.language for answer in _answers(query)}
        if query.kind == "cross":
            assert query.language not in languages, query.query
        else:
            assert languages == {query.language}, query.query


def test_a_paraphrase_shares_hardly_a_word_with_its_answer_and_a_keyword_does() -> None:
    """A keyword may stand there in another form, of the same beginning."""
    for query in queries():
        words = _words(query.query)
        for answer in _answers(query):
            if query.kind == "paraphrase":
                shared = words & _words(answer.text)
                assert len([word for word in shared if len(word) > 4]) <= 2, query.query
            if query.kind == "keyword":
                beginnings = {word[:4] for word in _words(answer.text)}
                assert any(word[:4] in beginnings for word in words), query.query


def test_a_typing_error_stands_in_no_text() -> None:
    """Otherwise its words alone would find something."""
    texts = _words(" ".join(section.text for section in sections()))
    for query in queries():
        if query.kind == "typo":
            assert _words(query.query) - texts, query.query


def test_as_much_is_planted_as_there_are_decoys() -> None:
    """In each of the three languages."""
    assert Counter(case.finding for case in cases()) == {
        "contradiction": 27,
        "duplicate": 13,
        "none": 40,
    }
    found = Counter((case.finding, case.first.language) for case in cases())
    assert len(found) == 9
    assert min(found.values()) >= 4
    assert len({case.id for case in cases()}) == len(cases())
    assert all(case.first.section != case.second.section for case in cases())


def test_every_planted_value_stands_once_in_its_text_and_not_in_the_other() -> None:
    """Only a contradiction has values."""
    for case in cases():
        assert (case.values is not None) == (case.finding == "contradiction"), case.id
        if case.values is not None:
            first, second = case.values
            assert case.first.text.count(first) == 1, case.id
            assert case.second.text.count(second) == 1, case.id
            assert first not in case.second.text, case.id
            assert second not in case.first.text, case.id


def _original(section: Section) -> str:
    return section.translates or section.id


def _answers(query: Query) -> list[Section]:
    return [SECTIONS[query.site, id] for id, grade in query.relevant.items() if grade == 2]


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w{4,}", text.casefold()))
