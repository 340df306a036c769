"""A released model as the base of experiments: a repository of the hub at one revision.

``Checkpoint(run=Released(...))`` stands where a ``Checkpoint(run=Pretrain(...))`` does, so `Perturb`, `FineTune` and
`Evaluate` take either. What is part of its key is the commit that the revision stands for, never the name alone; it is
asked of the hub when the key is first needed, so plans without released models need no network.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ovbook import hub
from ovbook.errors import OvbookError
from ovbook.files import canonical_json, sha256_bytes
from ovbook.public_runs import tokens_of
from ovbook.runs.data import corpus_hash
from ovbook.runs.fields import canonical, one_of, whole
from ovbook.runs.operations import operation_of
from ovbook.runs.spec import Spec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Released", "distinct_weights", "released"]

_REPO = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([kMBT])")
_UNITS = {"k": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_CONFIG = ["config.json"]
_SMALL = ["config.json", "generation_config.json", "token*", "special_tokens_map.json", "vocab*", "merges*"]
_BYTES_PER_SECOND = 50e6


@dataclasses.dataclass(frozen=True, kw_only=True)
class Released(Spec):
    """The weights that `repo` serves at `revision`: fetched, hashed, and measured tensor by tensor.

    corpus: the text on which the old loss is measured and from which replay is taken, in the model's own tokens:
        ``file:PATH``, ``hub:NAME``, or the world of a model that was trained on it. None: nothing is measured on old
        text, which is enough for `Memorise` alone.
    context: tokens in a row of it, and at most in a row of fine-tuning.
    seed: of held-out rows and of noise; what is tuned has seeds of its own.
    precision: of the weights where a model is read to be shaken or scored; tuning keeps float32.
    born: the same run's step 0, from which the scale of the noise is taken; None: as documented.
    commit: of `revision`; asked of the hub if left out. asked: how the reader called it; neither it nor
        the revision's name is part of the key.
    """

    repo: str
    revision: str = "main"
    corpus: str | None = None
    context: int = 512
    seed: int = 100
    precision: Literal["float32", "bfloat16"] = "float32"
    born: Released | None = None
    commit: str | None = None
    asked: str = ""

    def problems(self) -> Iterator[str]:
        """See `Spec.problems`."""
        if not isinstance(self.repo, str) or not _REPO.fullmatch(self.repo):
            yield f"repo is {self.repo!r}, but it must be a repository's name, OWNER/NAME"
        if not isinstance(self.revision, str) or not self.revision:
            yield f"revision is {self.revision!r}, but it must be a branch, a tag or a commit, such as main"
        if self.corpus is not None and (
            not isinstance(self.corpus, str) or not self.corpus.startswith(("world:", "file:", "hub:"))
        ):
            yield (
                f"corpus is {self.corpus!r}, but it must be file:PATH, hub:NAME, None or, for a model of one, world:SEED/MIX"
            )
        yield from whole("context", self.context, 8)
        yield from whole("seed", self.seed, 0)
        yield from one_of("precision", self.precision, ("float32", "bfloat16"))
        if self.born is not None and not isinstance(self.born, Released):
            yield f"born is {self.born!r}, but it must be a Released, or None"
        if self.commit is not None and not hub.is_commit(self.commit):
            yield f"commit is {self.commit!r}, but it must be 40 hex digits, or None"

    @functools.cached_property
    def resolved(self) -> str:
        """The commit behind `revision`."""
        return self.commit or _commit_of(self.repo, self.revision)

    @functools.cached_property
    def _key(self) -> str:
        operation = operation_of(self)
        unnamed = {"revision", "asked", "commit"}
        fields = {
            f.name: canonical(getattr(self, f.name))
            for f in dataclasses.fields(self)
            if f.name not in unnamed
        }
        asked = {"operation": operation.name, "version": operation.version, "fields": fields}
        return sha256_bytes(canonical_json(asked | {"commit": self.resolved, "data": self.data_hash()}))

    def data_hash(self) -> str | None:
        """The text's hash; the commit decides its tokens."""
        return None if self.corpus is None else corpus_hash(self.corpus, 128)

    @property
    def tokens(self) -> int:
        """Pre-training tokens, as far as the revision's name or its run's publication tells; else 0."""
        return tokens_of(self.repo, self.revision) or 0

    @property
    def init_seed(self) -> None:
        """Nobody knows it."""
        return None

    def folder(self) -> Path:
        """The files in the hub's cache, fetched if they are not there."""
        found = _fetched(self.repo, self.resolved)
        if not hub.is_commit(self.revision):
            hub.remember(self.repo, self.revision, self.resolved)
        return found

    @functools.cached_property
    def parameters(self) -> int:
        """Number of weights, by config.json alone."""
        return _parameters(str(hub.download(self.repo, self.resolved, patterns=_CONFIG)))

    def price(self) -> float:
        """Seconds for a download at 50 MB/s."""
        return 1.0 + 4 * self.parameters / _BYTES_PER_SECOND

    def label(self) -> str:
        """Repository and revision."""
        return f"{self.repo} at {self.revision}"

    def columns(self) -> dict[str, Any]:
        """Fields as columns, and tokens; `world` is read off the corpus.

        `model` is the repository, and so is `corpus` where no text was named: what it has read, one cannot say better.
        """
        world = re.fullmatch(r"world:(\d+)/\w+", self.corpus or "")
        return {
            "repo": self.repo,
            "model": self.repo,
            "revision": self.revision,
            "checkpoint": self.asked or self.revision,
            "commit": self.resolved,
            "corpus": self.corpus or self.repo,
            "context": self.context,
            "world": int(world[1]) if world else None,
            "seed": self.seed,
            "tokens": self.tokens,
            "ending": "released",
        }


@functools.lru_cache(maxsize=4096)
def _commit_of(repo: str, revision: str) -> str:
    """The commit of a revision: by the hub, or as it was when it was last downloaded."""
    if hub.is_commit(revision):
        return revision
    try:
        return hub.resolve(repo, revision)
    except hub.Unreachable as error:
        known = hub.cached_commit(repo, revision)
        if known is None:
            raise
        warnings.warn(
            f"{repo} at {revision}: the commit downloaded earlier is used, because {error}", stacklevel=2
        )
        return known


@functools.lru_cache(maxsize=256)
def _fetched(repo: str, commit: str) -> Path:
    """Configuration, tokenizer and weights at a commit: safetensors where there are any, else what there is."""
    small = hub.download(repo, commit, patterns=_SMALL)
    try:
        names = list(hub.list_files(repo, commit))
        if not any(name.endswith((".safetensors", ".bin")) for name in names):
            raise OvbookError(f"{repo} at {commit} holds no weights: it has {', '.join(names) or 'no file'}")
    except hub.Unreachable:
        names = [path.name for path in small.iterdir()]
    safe = any(name.endswith(".safetensors") for name in names)
    weights = (
        ["*.safetensors", "model.safetensors.index.json"]
        if safe
        else ["*.bin", "pytorch_model.bin.index.json"]
    )
    return hub.download(repo, commit, patterns=[*_SMALL, *weights])


@functools.lru_cache(maxsize=256)
def _parameters(folder: str) -> int:
    from ovbook.models import parameter_count, read_shape

    shape = read_shape(folder)
    if shape is not None:
        return parameter_count(shape)
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(
                AutoConfig.from_pretrained(folder, local_files_only=True)
            )
    except Exception as error:  # many kinds
        reason = str(error).strip().split("\n")[0]
        raise OvbookError(f"{folder} holds no language model that transformers knows ({reason})") from error
    return sum(tensor.numel() for tensor in model.parameters())


def released(
    models: Iterable[str],
    *,
    revisions: Sequence[str] = (),
    corpus: str,
    context: int = 512,
    seed: int = 100,
    precision: Literal["float32", "bfloat16"] = "float32",
) -> list[Released]:
    """The models that `models` names, checked against the hub: each revision exists, and no two serve the same weights.

    A name is ``OWNER/NAME@REVISION``, ``OWNER/NAME@2.3T`` (the revision nearest to so many tokens), or
    ``OWNER/NAME``, which stands for all of `revisions`, and for "main" without any. Sorted by repository, in the order
    given, and tokens. Where a repository holds its step 0, that is what the noise is scaled by.

    Raises:
        OvbookError: no such repository or revision (the nearest is named); two names for the same weights.
        ovbook.hub.Unreachable: no hub, and nothing in its cache.
    """
    wanted: dict[str, list[str]] = {}
    for name in models:
        repo, _, revision = name.partition("@")
        if not _REPO.fullmatch(repo):
            raise OvbookError(f"'{name}' names no released model: write OWNER/NAME, or OWNER/NAME@REVISION")
        wanted.setdefault(repo, []).extend([revision] if revision else (revisions or ["main"]))
    found: list[Released] = []
    for repo, asked in wanted.items():
        there = _revisions(repo)
        names = {text: _meant(repo, text, there) for text in dict.fromkeys(asked)}
        own = {"corpus": corpus, "context": context, "seed": seed, "precision": precision}
        start = next((name for name in there if _step(name) == 0), None)
        born = None if start is None else Released(repo=repo, revision=start, **own)  # type: ignore[arg-type]
        specs = [
            Released(repo=repo, revision=name, asked=text, born=None if name == start else born, **own)  # type: ignore[arg-type]
            for text, name in names.items()
        ]
        _refuse_same([(spec.revision, spec.resolved) for spec in specs], repo, "commit")
        if len(specs) > 1:
            _refuse_same_files(repo, [spec.revision for spec in specs])
        found += sorted(specs, key=lambda spec: spec.tokens)
    return found


def _revisions(repo: str) -> list[str]:
    try:
        return hub.list_revisions(repo)
    except hub.Unreachable:
        known = hub.cached_names(repo)
        if not known:
            raise
        return known


def _step(name: str) -> int | None:
    try:
        return hub.parse_revision(name).step
    except OvbookError:
        return None


def _meant(repo: str, text: str, there: Sequence[str]) -> str:
    """The revision that `text` names: itself, or the nearest to a number of tokens."""
    amount = _AMOUNT.fullmatch(text)
    if amount is None or text in there:
        return text
    tokens = float(Decimal(amount[1]) * _UNITS[amount[2]])
    placed = {name: at for name in there if (at := tokens_of(repo, name)) is not None and name != "main"}
    if not placed:
        raise OvbookError(
            f"no revision of {repo} says at how many tokens it is, so none is nearest to {text}: name revisions "
            f"({', '.join(list(there)[:6])})"
        )
    return min(placed, key=lambda name: (abs(placed[name] - tokens), name))


def _refuse_same(named: Sequence[tuple[str, str]], repo: str, what: str) -> None:
    served: dict[str, list[str]] = {}
    for name, value in named:
        served.setdefault(value, []).append(name)
    same = [" = ".join(dict.fromkeys(names)) for names in served.values() if len(names) > 1]
    if same:
        raise OvbookError(
            f"{repo} serves the same {what} under more than one of the names asked for ({'; '.join(same)}), so a curve "
            f"over them would be flat there: leave out all but one of each"
        )


def _refuse_same_files(repo: str, names: Sequence[str]) -> None:
    from ovbook.models import distinct_checkpoints

    try:
        distinct_checkpoints(repo, names)
    except hub.Unreachable as error:
        warnings.warn(
            f"{repo}: weight files were not compared before downloading, because {error}", stacklevel=3
        )


def distinct_weights(table: pd.DataFrame) -> None:
    """Refuse `table`, that of `Released`, if two revisions of a repository have the same weights in whatever files."""
    for repo, rows in table.drop_duplicates(["repo", "revision"]).groupby("repo"):
        pairs = list(zip(rows["revision"], rows["weights_hash"], strict=True))
        _refuse_same(pairs, str(repo), "weights")
