"""Why no connection was made, and what helps. Pure.

The driver tells only in words what a server says before it lets anybody in.
"""

from __future__ import annotations

import re

import psycopg

REFUSED = "the database server refuses the password: see PGPASSWORD or ~/.pgpass"
NO_DATABASE = "there is no database of this name: create it, or correct the address"
NO_RIGHT = "this role may not do that: see docs/scaling.md for its rights"
READ_ONLY = "the database server takes no writes: it is a standby, or was made read-only"
FULL = "the database server has no connection left: see max_connections"
DISK = "the disk of the database server is full: make room on it"
STARTING = "the database server is starting, or stopping"
LOST = "the database server cannot be reached"
UNKNOWN = (
    "the database server refuses the connection, in words that are not known here: `pressroom "
    "doctor` shows them"
)
UNREADABLE = (
    "the address of the database cannot be read: write one such as postgresql://USER@HOST/NAME"
)

# The first that is found counts: of several servers, what one says is more than that one is away.
_SAID = {
    r"password authentication failed": REFUSED,
    r"no password supplied": "the database server asks for a password: set PGPASSWORD, or write "
    "a line in ~/.pgpass",
    r'database ".*" does not exist': NO_DATABASE,
    r'role ".*" (does not exist|is not permitted to log in)': "the database server lets nobody of "
    "this name in: make the role (deploy/role.sql), or correct the address",
    r"permission denied for": NO_RIGHT,
    r"no pg_hba\.conf entry|pg_hba\.conf rejects": "the database server does not let this role in "
    "from this machine: see its pg_hba.conf",
    r"too many (clients|connections)|connection slots are reserved": FULL,
    r"No space left on device": DISK,
    r"the database system is|not accepting connections": STARTING,
    r"session is read-only|server is in hot standby mode": READ_ONLY,
    r"certificate verify failed": "the database server's certificate is signed by nobody whom "
    "sslrootcert names: name the file of the authority that signed it",
    r"certificate for .* does not match host name": "the database server's certificate is for "
    "another host: write the name in it as the host",
    r"(?i)root certificate": "the file that sslrootcert names cannot be read: correct it, or write "
    "sslrootcert=system",
    r"server does not support SSL": "the database server offers no TLS: turn ssl on there, or on a "
    "private network write sslmode=disable",
    r"weak sslmode": "sslrootcert=system checks the server's name too: write sslmode=verify-full",
    r"unrecognized configuration parameter|invalid value for parameter": "the options in the "
    "address of the database name a setting that its server does not take: correct them",
    r"definition of service": "the service that the address names is not defined: correct it",
    r"invalid \S+( \S+)? (value|number)": UNREADABLE,
    r"Connection refused|socket .* failed: (No such file|Permission denied)": f"{LOST}: nothing "
    "listens there. Start it, or correct host and port; if it has ended, its log says why",
    r"failed to resolve host|could not translate host name": f"{LOST}: nobody knows its host. "
    "Correct the host, or see to this machine's DNS",
    r"timeout expired|timed out|No route to host|unreachable": f"{LOST}: it does not answer. See "
    "to the network and its firewalls, or correct the host",
}
_UNKNOWN = re.compile(r'invalid URI query parameter: "(\w{1,60})"')
_SERVERS = re.compile(r"connection failed: .*: [^:\n]+:  (\S.*)")
"""What a server says, behind a word for how bad that is. Both are in its language."""


class Unreadable(psycopg.OperationalError):
    """The address cannot be read; the message says why, without what stands in it."""


def why_unreadable(error: psycopg.ProgrammingError) -> str:
    """Return what is wrong with an address. The driver's own words may quote a password."""
    if found := _UNKNOWN.search(str(error)):
        return f"the address of the database has a parameter that is none, {found[1]}: correct it"
    return UNREADABLE


def why_refused(error: psycopg.OperationalError) -> str | None:
    """Return why a connection was not made; `None` if nobody has said so."""
    if isinstance(error, Unreadable):
        return str(error)
    if error.sqlstate is not None:
        return None
    said = str(error)
    known = next((meaning for words, meaning in _SAID.items() if re.search(words, said)), None)
    if servers_words(error) is not None and (known or LOST).startswith(LOST):
        return UNKNOWN
    return known


def servers_words(error: psycopg.Error) -> str | None:
    """Return in which words a server has let nobody in; `None` if none has said anything."""
    found = _SERVERS.search(str(error))
    return None if found is None else found[1].strip()
