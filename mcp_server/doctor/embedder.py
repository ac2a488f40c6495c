"""The check of what embeds texts, so that they are found by their meaning."""

from __future__ import annotations

from collections.abc import Mapping

import anyio.to_thread

from mcp_server.config import Workspace
from mcp_server.content.drafting.embedding import embedding_choice
from mcp_server.content.drafting.model import KeyLeftLiteral, ModelChoice, find_key, key_hint
from mcp_server.doctor.diagnosis import Diagnosis, Level
from mcp_server.meaning.embedder import embedder_of, why_only_words
from mcp_server.meaning.errors import EmbeddingTrouble
from mcp_server.meaning.numbers import INSTALL, has_numpy
from mcp_server.trust import Grants, StateFolder

CHECK = "embedder"


async def of_embedder(workspace: Workspace, environ: Mapping[str, str]) -> Diagnosis:
    """Check that the embedder can be used; the model that runs here is loaded to see it."""
    setting = workspace.settings.embedder
    if (choice := embedding_choice(workspace.settings)) is not None:
        return await anyio.to_thread.run_sync(_of_provider, workspace, choice, environ)
    if (embedder := embedder_of(setting, beside=False)) is None:
        said = why_only_words(setting) or ""
        return Diagnosis(check=CHECK, level="ok", message=f"{setting}: {said}")
    try:
        await embedder.embed(["a text"])
    except EmbeddingTrouble as trouble:
        level: Level = "error" if setting == "local" else "warning"
        advice = f"Run: {INSTALL}; until then texts are found by their words only."
        message = f"{setting}: {trouble}"
        return Diagnosis(check=CHECK, level=level, message=message, advice=advice)
    return Diagnosis(check=CHECK, level="ok", message=f"{setting}: {embedder.name}")


def _of_provider(
    workspace: Workspace, choice: ModelChoice, environ: Mapping[str, str]
) -> Diagnosis:
    name = workspace.settings.embedder
    wants_key = f"To embed with it, {key_hint(choice)}; where the server runs, and the worker."
    if not has_numpy():
        what, advice = "numpy, which compares vectors, is missing", f"Run: {INSTALL}."
    elif Grants(workspace, StateFolder(workspace)).of_embedder() == "untrusted":
        what, advice = (
            "not trusted yet, so nothing is sent",
            "Run `pressroom trust` in this folder.",
        )
    elif choice.url and workspace.model_problem is not None:
        what, advice = workspace.model_problem, ""
    else:
        try:
            key = find_key(choice, environ)
        except KeyLeftLiteral as error:
            return Diagnosis(check=CHECK, level="error", message=str(error))
        if key is not None or choice.ability is None:
            has = "it is asked without a key" if key is None else "there is a key for it"
            return Diagnosis(check=CHECK, level="ok", message=f"{name}: {has}")
        what, advice = "there is no key for it here", wants_key
    return Diagnosis(check=CHECK, level="error", message=f"{name}: {what}", advice=advice)
