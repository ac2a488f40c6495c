"""The longest of every text that an index finds: PostgreSQL's hold no more than 2,704 bytes."""

from __future__ import annotations

import random
from pathlib import Path

import psycopg
import pytest

from mcp_server.entities.entity import PAGE_ID_BYTES_MAX, SLUG_LENGTH_MAX
from mcp_server.interfaces.mcp.tools.arguments import KEY_LENGTH_MAX
from mcp_server.jobs.registry import KEY_BYTES_MAX, NAME_BYTES_MAX
from tests.storage.stores import Bench, opened, postgres

pytestmark = pytest.mark.anyio

OURS = 64
"""Ids, hashes, states and words that we have made; names of owners, which are hashes of tokens."""
WORD = 4 * 500
SETTING = 500
"""A model or an embedder, as a provider calls it."""
BYTES = {
    "page": PAGE_ID_BYTES_MAX,
    "entity_id": PAGE_ID_BYTES_MAX + 1 + SLUG_LENGTH_MAX,
    "request_key": 4 * KEY_LENGTH_MAX,
    "dedup_key": KEY_BYTES_MAX,
    "jobs.kind": NAME_BYTES_MAX,
    "requires": NAME_BYTES_MAX,
    "word": WORD,
    "usage_sums.name": SETTING,
    "embedder": SETTING,
}
INDEXES = """
SELECT class.relname, found.relname, array_agg(DISTINCT column_of.attname::text)
FROM pg_index
JOIN pg_class AS class ON class.oid = indrelid
JOIN pg_class AS found ON found.oid = indexrelid
JOIN pg_attribute AS column_of ON column_of.attrelid = indrelid AND column_of.attnum > 0
JOIN pg_type AS type ON type.oid = column_of.atttypid AND type.typname = 'text'
WHERE class.relnamespace = current_schema()::regnamespace AND (
    column_of.attnum = ANY(indkey)
    OR EXISTS (
        SELECT 1 FROM pg_depend
        WHERE objid = indexrelid AND refobjid = indrelid AND refobjsubid = column_of.attnum
        AND 0 = ANY(indkey)
    )
)
GROUP BY class.relname, found.relname ORDER BY 1, 2
"""


async def test_each_index_takes_the_longest_of_what_it_is_made_of(tmp_path: Path) -> None:
    """In letters that nothing makes shorter; so no call fails by how long an id of its is."""
    async with opened(postgres, tmp_path / "one") as bench:
        found = bench.raw.all(INDEXES)
        assert len(found) > 30
        for table, index, columns in found:
            _filled(bench, table, index, columns)


def _filled(bench: Bench, table: str, index: str, columns: list[str]) -> None:
    letters = random.Random(index)
    values: dict[str, str] = {}
    for column in columns:
        size = BYTES.get(f"{table}.{column}", BYTES.get(column, OURS))
        text = "".join(chr(letters.randrange(0x1F300, 0x1F9FF)) for _ in range(size // 4))
        values[column] = text + "x" * (size - len(text.encode()))
    names = ", ".join(values)
    made = ", ".join(f"{name} text" for name in values)
    literals = ", ".join(f"'{value}'" for value in values.values())
    beside = ", ".join([*values, *(f"n{number}" for number in range(6))])
    numbers = ", ".join(f"n{number} bigint DEFAULT 0" for number in range(6))
    bench.raw.run(f"CREATE TEMP TABLE probe ({made}, {numbers})")
    bench.raw.run(f"CREATE INDEX ON probe ({beside})")
    try:
        bench.raw.run(f"INSERT INTO probe ({names}) VALUES ({literals})")
    except psycopg.errors.ProgramLimitExceeded as error:
        raise AssertionError(f"{index} of {table}: {error}") from error
    finally:
        bench.raw.run("DROP TABLE probe")
