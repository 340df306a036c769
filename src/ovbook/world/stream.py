"""Endless rows of one mix: pure blocks, and batches as slices of them."""

from __future__ import annotations

import functools
import zlib
from collections import OrderedDict

import numpy as np

from ovbook.errors import OvbookError
from ovbook.world.grammar import Domain
from ovbook.world.sample import ROW, Draw, Notes, draw_rows

__all__ = ["BLOCK_ROWS", "Stream", "check_seed"]

BLOCK_ROWS = 1024
"""Rows drawn at once: 131,072 tokens."""

_WHOLE_MIX = 0
"""Stands where a section's own stream has the checksum of its name."""

_KEPT = 128
"""Blocks kept for the next slice (34 MB): members of a stack read as many seeds side by side."""


def check_seed(seed: int, what: str = "seed") -> int:
    """Return `seed` as an int, or say what a seed is."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise OvbookError(f"{what} {seed!r} is not possible: use a whole number from 0 up, such as 0 or 17")
    return int(seed)


class Stream:
    """The rows of one mix in one world. ``batch(seed, step, size)`` depends on its arguments alone."""

    def __init__(
        self, world_seed: int, version: int, mix: str, domains: dict[str, Domain], share: dict[str, float]
    ):
        self.mix = mix
        self.names = tuple(domains)
        self._entropy = [version, world_seed, zlib.crc32(mix.encode())]
        self._ends = np.cumsum([share[name] for name in self.names])
        self._ends /= self._ends[-1]
        self._share = [share[name] for name in self.names]
        self._domains = domains
        self._blocks: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()

    def section(self, name: str, seed: int, n: int) -> tuple[np.ndarray, Notes]:
        """`n` documents of one section alone, from a stream of their own: uint16 [n, 128] and their notes."""
        rng = self._rng(zlib.crc32(name.encode()), check_seed(seed))
        draw = self._draws[self.names.index(name)]
        page, book = draw_rows(draw, rng, n, notes=True)
        assert book is not None
        book.nats[:, 0] = -np.log(self._share[self.names.index(name)])
        return page, book

    def _rng(self, *numbers: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([*self._entropy, *numbers])))

    @functools.cached_property
    def _draws(self) -> list[Draw]:
        return [Draw(domain) for domain in self._domains.values()]

    def block(self, seed: int, index: int) -> np.ndarray:
        """Block `index` of stream `seed`: uint16 [BLOCK_ROWS, 128]."""
        return self._write(check_seed(seed), check_seed(index, "block index"), None)[0]

    def annotated(
        self, seed: int, index: int
    ) -> tuple[np.ndarray, np.ndarray, dict[int, tuple[np.ndarray, Notes]]]:
        """The same block, the section of each row [BLOCK_ROWS] and, by section, its rows and their notes."""
        notes: dict[int, tuple[np.ndarray, Notes]] = {}
        page, which = self._write(check_seed(seed), check_seed(index, "block index"), notes)
        return page, which, notes

    def _write(
        self, seed: int, index: int, notes: dict[int, tuple[np.ndarray, Notes]] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        rng = self._rng(_WHOLE_MIX, seed, index)
        which = np.searchsorted(self._ends, rng.random(BLOCK_ROWS), side="right")
        page = np.empty((BLOCK_ROWS, ROW), dtype=np.uint16)
        for d, draw in enumerate(self._draws):
            rows = np.flatnonzero(which == d)
            if len(rows) == 0:
                continue
            page[rows], book = draw_rows(draw, rng, len(rows), notes=notes is not None)
            if notes is not None and book is not None:
                book.nats[:, 0] = -np.log(self._share[d])
                notes[d] = (rows, book)
        return page, which

    def batch(self, seed: int, step: int, size: int) -> np.ndarray:
        """Rows ``step * size`` up to ``(step + 1) * size`` of stream `seed`: uint16 [size, 128]."""
        seed, step = check_seed(seed), check_seed(step, "step")
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise OvbookError(f"a batch of {size!r} rows is not possible: ask for at least 1")
        first, last = step * size, (step + 1) * size
        parts = []
        while first < last:
            index, offset = divmod(first, BLOCK_ROWS)
            end = min(BLOCK_ROWS, offset + last - first)
            parts.append(self._kept(seed, index)[offset:end])
            first += end - offset
        return np.concatenate(parts)

    def _kept(self, seed: int, index: int) -> np.ndarray:
        key = (seed, index)
        if key not in self._blocks:
            self._blocks[key] = self._write(seed, index, None)[0]
            while len(self._blocks) > _KEPT:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(key)
        return self._blocks[key]
