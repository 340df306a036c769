"""The operation that fetches a released model, and what a run reads beside a base's weights, whoever trained it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovbook import hub
from ovbook.corpus import Corpus
from ovbook.errors import OvbookError
from ovbook.runs.released import Released
from ovbook.runs.specs import Checkpoint
from ovbook.runs.work import Inputs
from ovbook.tasks import Coder, coder_of
from ovbook.world import World

__all__ = ["Source", "run", "source_of"]

_FILES = ["*.json", "*.safetensors", "merges.txt", "vocab.txt", "tokenizer.model"]


def run(spec: Released, inputs: Inputs, out: Path, device: str) -> list[dict[str, Any]]:
    """Copy the model's files into ``checkpoints/end``. One row: `commit`, and `architecture` as its config.json has it."""
    folder = hub.download(spec.name, spec.revision, patterns=_FILES)
    end = out / "checkpoints" / "end"
    end.mkdir(parents=True)
    for path in sorted(folder.iterdir()):
        if path.is_file():
            shutil.copyfile(path, end / path.name)
    try:
        config = json.loads((end / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OvbookError(f"{spec.name} is no model that can be read: its config.json {error}") from error
    if not any(end.glob("*.safetensors")):
        raise OvbookError(
            f"{spec.name} holds no weights in safetensors: choose a revision or a copy that does"
        )
    return [{"kind": "released", "commit": folder.name, "architecture": config.get("model_type")}]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Words and texts behind a base: its coder and tokenizer, its corpus and world where there are any."""

    coder: Coder
    tokenizer_json: str | None
    corpus: Corpus | None = None
    world: World | None = None


def source_of(base: Checkpoint, inputs: Inputs) -> Source:
    """What lies behind `base`."""
    if not isinstance(base.root, Released):
        corpus = inputs.corpus
        return Source(
            coder=coder_of(corpus), tokenizer_json=corpus.tokenizer_json(), corpus=corpus, world=corpus.world
        )
    folder = inputs.checkpoint(Checkpoint(run=base.root))
    try:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
    except Exception as error:  # each kind of tokenizer has its own
        raise OvbookError(
            f"the tokenizer of {base.root.name} cannot be read: {str(error).splitlines()[0]}"
        ) from error
    file = folder / "tokenizer.json"
    return Source(
        coder=coder_of(tokenizer), tokenizer_json=file.read_text(encoding="utf-8") if file.exists() else None
    )
