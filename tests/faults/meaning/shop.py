"""A plugin that keeps products: they come, change and go by a tool, and search finds them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from mcp_server.plugin import Done, EntityType, JobContext, Outcome, PluginContext, handler

TYPE = "product"


class Product(BaseModel, frozen=True):
    """Something that the shop sells."""

    sku: str
    says: str


class Stock(BaseModel, frozen=True, extra="forbid"):
    """What is to become of some products."""

    how: Literal["create", "create-now", "update", "delete"] = Field(description="What to do.")
    skus: list[str] = Field(description="Their ids.")
    says: str = Field(default="", description="What is said of them.")


class Noted(BaseModel, frozen=True, extra="forbid"):
    """Nothing."""


def text_of(says: str, sku: str) -> str:
    """Return the text that search has of a product."""
    return f"# {sku}\n\n{says}"


@handler("noted", Noted)
async def noted(payload: Noted, context: JobContext) -> Outcome:
    """End what has queued nothing else."""
    del payload, context
    return Done({})


async def stock(arguments: Stock, context: PluginContext) -> str:
    """Change products one after the other; return the last job."""
    entities, job = context.entities(), ""
    for sku in arguments.skus:
        product = Product(sku=sku, says=arguments.says)
        if arguments.how == "create":
            job = (await entities.create_entity(product)).job_id
        elif arguments.how == "update":
            job = (await entities.update_entity(product)).job_id
        elif arguments.how == "delete":
            await entities.delete_entity(products[0], sku)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                await entities.create_entity_sync(product)
    return job or await context.enqueue_job(noted, Noted(), subject="stock")


products: list[EntityType[Product]] = []


def register(context: PluginContext) -> None:
    """Let there be products, and a tool that changes them."""
    context.register_job_handler(noted)
    products[:] = [
        context.register_entity_type(
            TYPE,
            Product,
            id=lambda product: product.sku,
            text=lambda product: text_of(product.says, product.sku),
        )
    ]
    context.register_tool(
        "stock",
        Stock,
        stock,
        title="Stock",
        description="The shop's products: creates, changes or removes some.",
    )


def install(folder: Path) -> None:
    """Make it known to all processes that have this folder on their path."""
    about = folder / "shop-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[pressroom.plugins]\nshop = {__name__}:register\n")
