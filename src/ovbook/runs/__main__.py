"""``python -m ovbook.runs CHAPTER --scale gpu --out DIR``: a chapter's runs without the chapter.

Needs torch, numpy, safetensors, pyarrow, filelock and tqdm; no plotting, no notebooks, no pandas. Copy DIR to where
the chapter is to be read, name it in OVBOOK_STORE, and the chapter finds its runs done.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from ovbook.errors import OvbookError
from ovbook.project import find_chapter
from ovbook.runs.chapter import read_experiment
from ovbook.runs.knobs import read_assignments
from ovbook.runs.machine import check_device, resolve_device
from ovbook.runs.plan import plan
from ovbook.runs.runner import Interrupted, execute
from ovbook.runs.settings import SCALES
from ovbook.runs.store import Store

__all__ = ["main"]


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ovbook.runs", description=__doc__.partition("\n")[0])
    parser.add_argument("chapter", help="number (02), name, or path of a py:percent file")
    parser.add_argument("--scale", help=f"one of {', '.join(SCALES)}; by default the chapter's own")
    parser.add_argument("--out", help="the store to fill; by default OVBOOK_STORE, else .ovbook")
    parser.add_argument(
        "-p", dest="given", action="append", default=[], metavar="NAME=VALUE", help="set a parameter"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--workers", type=int, help="processes on a CPU; by default one a core")
    parser.add_argument("--stack", type=int, help="most members of a stack; by default what fills a GPU")
    parser.add_argument("--plan", action="store_true", help="count and price, compute nothing")
    return parser.parse_args(argv)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt("terminated")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status: 0 done, 2 a mistake or a failure, 130 Ctrl-C, 75 stopped from outside (go on later)."""
    arguments = _arguments(argv)
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.append(number)
        _terminated(number, frame)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        _run(arguments)
    except KeyboardInterrupt as error:
        said = str(error) if isinstance(error, Interrupted) else "interrupted; finished runs are kept"
        print(f"ovbook: {said}", file=sys.stderr)
        return 75 if stopped else 130
    except OvbookError as error:
        print(f"ovbook: {error}", file=sys.stderr)
        return 2
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _run(arguments: argparse.Namespace) -> None:
    experiment = read_experiment(find_chapter(arguments.chapter).path)
    if arguments.out:
        os.environ["OVBOOK_STORE"] = str(Path(arguments.out).resolve())
    given = read_assignments(arguments.given, experiment.declared(), experiment.path.stem)
    if arguments.scale is not None:
        given["scale"] = arguments.scale
    device = resolve_device(arguments.device)
    check_device(device)
    specs, p = experiment.runs(given)
    store = Store()
    print(f"{experiment.path.stem} at scale {p.scale} on {device}")
    print(plan(specs, store, workers=arguments.workers, device=device), flush=True)
    if arguments.plan:
        return
    execute(specs, store=store, workers=arguments.workers, device=device, stack=arguments.stack)
    print(f"done: results are in {store.root}")


if __name__ == "__main__":
    sys.exit(main())
