"""A place in a database that machines share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.shared.site import Site


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site's place in the database, empty; what is left there is removed."""
    with Site.made(request.node.nodeid) as made:
        yield made
