"""Which specs can be computed as one stack, and how wide it should be."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence

from ovbook.runs.operations import operation_of
from ovbook.runs.plan import parameters_of
from ovbook.runs.spec import Spec
from ovbook.runs.specs import Pretrain

__all__ = ["MOST_TOKENS", "stack_shape", "take_stack"]

MOST_TOKENS = 1 << 18
"""Tokens in one step of a stack, at most: 64k to 256k fill one modern GPU, and more only costs memory."""
_LARGEST = 30_000_000
"""Parameters above which a model fills a GPU by itself."""


def stack_shape(spec: Spec) -> Hashable | None:
    """Equal for specs that can be members of one stack; None where `spec` runs alone.

    Members may differ in seed, world and rates. A spec class of your own gives its shape by a method
    `stack_shape()`.
    """
    if operation_of(spec).stacked is None:
        return None
    own = getattr(spec, "stack_shape", None)
    if own is not None:
        shape: Hashable = own()
        return shape
    if not isinstance(spec, Pretrain) or parameters_of(spec.model, spec.corpus, spec.context) > _LARGEST:
        return None
    varying = {"corpus", "seed", "schedule", "start"}
    fields = tuple(getattr(spec, f.name) for f in dataclasses.fields(spec) if f.name not in varying)
    corpus = "world" if spec.corpus.startswith("world:") else spec.corpus
    moments = spec.start is not None and isinstance(spec.start.run, Pretrain) and spec.start.run.keeps_moments
    return (*fields, corpus, spec.first_step, moments, spec.keeps_moments)


def take_stack(first: Spec, ready: Sequence[Spec], width: int | None = None) -> list[Spec]:
    """`first` and those of `ready` that go along with it.

    `width` is the most members; by default as many as `MOST_TOKENS` holds, in stacks of equal width.
    """
    shape = stack_shape(first)
    if shape is None or width == 1:
        return [first]
    like = [
        first,
        *(s for s in ready if s is not first and type(s) is type(first) and stack_shape(s) == shape),
    ]
    if width is None:
        width = max(1, MOST_TOKENS // getattr(first, "step_tokens", MOST_TOKENS))
    stacks = -(-len(like) // width)
    return like[: -(-len(like) // stacks)]
