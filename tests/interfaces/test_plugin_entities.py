"""Entities of a plugin: a shop keeps its products in Pressroom, and search finds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from mcp_server.plugin import (
    ConfigError,
    EntityType,
    InvalidPayload,
    JobState,
    PluginContext,
)
from mcp_server.testing import Desk, ToolRefused, workspace
from tests.waiting import until

pytestmark = pytest.mark.anyio

WORDS = 'embedder = "words"\n'


class Product(BaseModel, frozen=True):
    """Something that the shop sells."""

    sku: str
    name: str
    says: str = ""


class Stranger(BaseModel):
    """Of no type that anybody has registered."""


def register(context: PluginContext) -> None:
    """Let there be products."""
    types.append(
        context.register_entity_type(
            "product",
            Product,
            id=lambda product: product.sku,
            text=lambda product: f"# {product.name}\n\n{product.says}",
        )
    )


types: list[EntityType[Product]] = []
TENT = Product(sku="tent-2", name="Two-person tent", says="Pitched in four minutes, 1.9 kg.")


@pytest.fixture(autouse=True)
def no_types() -> None:
    """Each workspace registers them anew."""
    types.clear()


async def found(desk: Desk, query: str) -> list[dict[str, Any]]:
    """Return what search finds among the products."""
    return list((await desk.call("search", query=query, type="product")).get("found", ()))


async def test_a_product_is_there_at_once_and_found_a_moment_later(tmp_path: Path) -> None:
    """Created, queued, embedded, found: the call waits for none of it (C14)."""
    async with workspace(tmp_path, plugins=[register], settings=WORDS) as desk:
        entities = desk.context.entities()
        id, job_id = await entities.create_entity(TENT)
        assert id == "tent-2"
        assert await entities.get_entity(types[0], id) == TENT
        await desk.context.wait_for_job(job_id)
        status = await entities.get_async_job_status(job_id)
        assert status is not None
        assert (status.status, status.entity_id, status.error) == (JobState.COMPLETED, id, None)
        assert status == await entities.get_status_by_entity_id(types[0], id)
        shown = await desk.call("status", jobId=job_id)
        assert (shown["job"]["jobId"], shown["job"]["state"]) == (job_id, "completed")
        listed = await desk.call("status")
        assert not listed.get("operations"), "nobody has asked for it by itself"
        assert [row["id"] for row in await found(desk, "pitched tent")] == [id]


async def test_a_type_without_entities_is_one_that_can_be_searched(tmp_path: Path) -> None:
    """Nothing is found; it is not called a type that there is not."""
    async with workspace(tmp_path, plugins=[register], settings=WORDS) as desk:
        assert await found(desk, "tent") == []
        with pytest.raises(ToolRefused, match="there are: section, page, fact, product"):
            await desk.call("search", query="tent", type="gadget")


async def test_a_later_version_takes_the_place_and_one_that_is_not_there_is_refused(
    tmp_path: Path,
) -> None:
    """Creating is an upsert; updating what is not there is a mistake (L37)."""
    async with workspace(tmp_path, plugins=[register], settings=WORDS) as desk:
        entities = desk.context.entities()
        await entities.create_entity(TENT)
        _, job_id = await entities.update_entity(TENT.model_copy(update={"says": "Waterproof."}))
        await desk.context.wait_for_job(job_id)
        assert [row["id"] for row in await found(desk, "waterproof")] == ["tent-2"]
        assert not await found(desk, "minutes")
        with pytest.raises(Exception, match="There is no product 'stove'"):
            await entities.update_entity(Product(sku="stove", name="Stove"))


async def test_a_product_that_was_removed_is_found_no_more(tmp_path: Path) -> None:
    """Nor listed; and to remove it again is a mistake."""
    async with workspace(tmp_path, plugins=[register], settings=WORDS) as desk:
        entities = desk.context.entities()
        for number in range(3):
            product = Product(sku=f"p{number}", name="Lamp", says=f"Model {number}")
            created = await entities.create_entity(product)
            await desk.context.wait_for_job(created.job_id)
        assert [each.sku for each in await entities.list_entities(types[0], limit=2)] == [
            "p0",
            "p1",
        ]
        await entities.delete_entity(types[0], "p1")
        listed = await entities.list_entities(types[0], after="p0")
        assert [each.sku for each in listed] == ["p2"]
        await until(lambda: found(desk, "lamp"), lambda rows: len(rows) == 2)
        with pytest.raises(Exception, match="There is no product 'p1'"):
            await entities.delete_entity(types[0], "p1")


async def test_to_wait_for_the_embedder_is_deprecated_and_works(tmp_path: Path) -> None:
    """Saved together with what search knows of it."""
    async with workspace(tmp_path, plugins=[register], settings=WORDS) as desk:
        entities = desk.context.entities()
        with pytest.warns(DeprecationWarning, match="create_entity queues it"):
            assert await entities.create_entity_sync(TENT) == "tent-2"
        assert await entities.get_status_by_entity_id(types[0], "tent-2") is None
        assert [row["id"] for row in await found(desk, "tent")] == ["tent-2"]


async def test_what_cannot_be_an_entity_is_refused_before_it_is_stored(tmp_path: Path) -> None:
    """Of no type, with no id, too large; and types of Pressroom's own are taken."""
    async with workspace(tmp_path, plugins=[register], settings=WORDS) as desk:
        entities = desk.context.entities()
        with pytest.raises(InvalidPayload, match="Stranger is no type"):
            await entities.create_entity(Stranger())
        with pytest.raises(InvalidPayload, match="is no id"):
            await entities.create_entity(Product(sku="../x", name="X"))
        with pytest.raises(Exception, match="at most 1048576"):
            await entities.create_entity(Product(sku="x", name="X", says="x" * 2_000_000))
        for name in ("site-content-production", "Product", "product"):
            with pytest.raises(ConfigError):
                desk.context.register_entity_type(name, Product, id=str, text=str)
