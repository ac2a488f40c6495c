"""What a role must be allowed to move a workspace into a schema, or out of it."""

from __future__ import annotations

from typing import Any

import psycopg

from mcp_server.errors import Unavailable

_ASKED = """
SELECT
    current_user AS role,
    (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = %(schema)s) AS owner,
    (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = %(schema)s) AS owns,
    has_database_privilege(current_database(), 'CREATE') AS may_create
"""


def check_rights(connection: psycopg.Connection[Any], schema: str, *, named: str) -> None:
    """Return if the role owns the schema, or may make it: only who owns it may note what it holds.

    `named` is the option or setting that names the schema.

    Raises:
        Unavailable: it does not; nothing was copied yet.
    """
    row = connection.execute(_ASKED, {"schema": schema}).fetchone()
    assert row is not None, "there is always one"
    role, owner, owns, may_create = row
    if owner is None and not may_create:
        raise Unavailable(
            f"There is no schema {schema} in the database, and the role {role} may not make it: "
            "have the database's owner run deploy/role.sql (docs/scaling.md), or correct "
            f"{named}. Nothing was moved."
        )
    if owner is not None and not owns:
        raise Unavailable(
            f"The schema {schema} belongs to the role {owner}, and the role {role} is another: "
            f"correct {named}, or name the role that owns it in the address. Nothing was moved."
        )
