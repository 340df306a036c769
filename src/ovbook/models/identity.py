"""Whether checkpoints are what their names say: revisions that serve the same weights draw a flat line.

Of the step branches of a public suite many are known to serve the weights of the end of training
(EleutherAI/pythia, issues 195 and 205); so a curve over revisions begins with `distinct_checkpoints`.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from typing import Literal

import torch

from ovbook.errors import OvbookError
from ovbook.models.checkpoints import load_checkpoint
from ovbook.models.spec import Params

__all__ = ["distinct_checkpoints", "weights_hash"]


def weights_hash(params: Params) -> str:
    """SHA-256 of all weights: names, precisions, shapes and bits, whatever files they came in."""
    digest = hashlib.sha256()
    for name in sorted(params):
        tensor = params[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def distinct_checkpoints(
    repo: str,
    revisions: Sequence[str],
    *,
    duplicates: Literal["refuse", "warn"] = "refuse",
    by: Literal["files", "weights"] = "files",
) -> dict[str, str]:
    """The hash of each revision's weights, after a look whether any two are the same.

    ``by="files"`` compares the hub's own hashes of the weight files and downloads nothing. ``by="weights"``
    downloads and loads every revision (those that this decoder reads) and compares the numbers, so that the same
    weights in other files are found too.

    Raises:
        OvbookError: two revisions serve the same weights (a warning with ``duplicates="warn"``); a revision holds
            no weights; what `hub.resolve` and `load_checkpoint` raise.
    """
    if duplicates not in ("refuse", "warn"):
        raise OvbookError(f"duplicates='{duplicates}' is unknown: it is 'refuse' or 'warn'")
    if by not in ("files", "weights"):
        raise OvbookError(f"checkpoints cannot be compared by '{by}': it is 'files' or 'weights'")
    hashes = {
        name: _files_hash(repo, name)
        if by == "files"
        else weights_hash(load_checkpoint(repo, revision=name)[0])
        for name in dict.fromkeys(revisions)
    }
    served: dict[str, list[str]] = {}
    for name, value in hashes.items():
        served.setdefault(value, []).append(name)
    same = [names for names in served.values() if len(names) > 1]
    if not same:
        return hashes
    groups = "; ".join(_listed(names) for names in same)
    said = (
        f"of the {len(hashes)} revisions of {repo}, {sum(map(len, same))} serve weights that another serves too "
        f"({groups}), so a curve over them would be flat there: leave out all but one of each"
    )
    if duplicates == "refuse":
        raise OvbookError(f"{said}, or pass duplicates='warn'")
    warnings.warn(said, stacklevel=2)
    return hashes


def _listed(names: list[str]) -> str:
    shown = names if len(names) <= 4 else [*names[:2], f"{len(names) - 3} more", names[-1]]
    return " = ".join(shown)


def _files_hash(repo: str, revision: str) -> str:
    from ovbook import hub

    files = hub.list_files(repo, revision)
    for ending in (".safetensors", ".bin"):
        if weights := sorted(value for path, value in files.items() if path.endswith(ending)):
            return hashlib.sha256("\n".join(weights).encode()).hexdigest()
    raise OvbookError(
        f"revision '{revision}' of {repo} holds no weights: it has {', '.join(files) or 'no file'}"
    )
