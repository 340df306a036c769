"""The tiny world: a small English-like language about 4,096 people, with a known entropy.

``World(seed)`` knows its facts, writes endless rows in three mixes, and says how low a loss can go on them.
"""

from __future__ import annotations

from ovbook.world.floor import Floor
from ovbook.world.mixes import MIXES
from ovbook.world.sample import ROLES
from ovbook.world.stream import BLOCK_ROWS, Stream
from ovbook.world.world import VERSION, Annotated, Document, World, open_world

__all__ = [
    "BLOCK_ROWS",
    "MIXES",
    "ROLES",
    "VERSION",
    "Annotated",
    "Document",
    "Floor",
    "Stream",
    "World",
    "open_world",
]
