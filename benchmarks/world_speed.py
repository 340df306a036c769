"""How fast a tiny world writes: tokens a second of processor time on one core, by mix.

Run ``OMP_NUM_THREADS=1 python benchmarks/world_speed.py``. The first block of each mix is not counted (it
builds the cumulative tables); processor time, not wall time, is used, so that a busy machine does not spoil
the number.
"""

from __future__ import annotations

import time

from ovbook.world import MIXES, World

BLOCKS = 40


def main() -> None:
    """Print one line a mix."""
    began = time.process_time()
    world = World(0)
    print(f"building a world: {1000 * (time.process_time() - began):.0f} ms")
    for mix in MIXES:
        tokens = world.block(mix, 0, 0).size
        began = time.process_time()
        for index in range(1, BLOCKS + 1):
            world.block(mix, 0, index)
        seconds = time.process_time() - began
        print(
            f"{mix:8} {BLOCKS * tokens:,} tokens in {seconds:.2f} s: "
            f"{BLOCKS * tokens / seconds / 1e6:.1f} million tokens/s on one core"
        )


if __name__ == "__main__":
    main()
