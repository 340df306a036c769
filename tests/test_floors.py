"""A room imports only from floors below its own; every module says what it is and what it offers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "ovbook"

FLOORS = {
    "errors": 0, "files": 0,
    "world": 1, "hub": 1, "project": 1, "own": 1,
    "text": 2, "tasks": 2,
    "corpus": 3, "retokenized": 3,
    "models": 4, "schedules": 4, "optim": 4, "theory": 4,
    "train": 5, "adapters": 5, "compress": 5, "public_runs": 5,
    "finetune": 6, "perturb": 6, "evaluate": 6, "sharpness": 6, "rewrite": 6, "reinforce": 6, "memorise": 6,
    "landscape": 6,
    "runs": 7,
    "charts": 8, "stats": 8,
    "claims": 9,
    "labs": 10,
    "press": 11, "cli": 11,
}  # fmt: skip

# Neighbours on one floor that lean on each other, in one direction only; every pair has its reason.
ALLOWED_BESIDE = {
    ("files", "errors"),  # a full disk is a mistake a person can mend
    ("optim", "models"),  # an optimiser steps over the parameters that a model has
    ("retokenized", "corpus"),  # the same texts, read and hashed by the same code
    ("perturb", "evaluate"),  # a perturbed model is scored as any other
    ("landscape", "evaluate"),  # so is a model at another place of the surface
    ("cli", "press"),  # the command line is the press's handle
}
# The core of training: a host without these must still be able to run experiments.
CORE_ROOMS = {r for r, floor in FLOORS.items() if floor <= 7}
CORE_MAY_IMPORT = {"torch", "numpy", "safetensors", "pyarrow", "filelock", "tqdm"}
HEAVY = {
    "transformers",
    "tokenizers",
    "datasets",
    "pandas",
    "polars",
    "scipy",
    "altair",
    "ipywidgets",
    "IPython",
}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(path: Path, source: Path = SOURCE) -> str:
    first = path.relative_to(source).parts[0]
    return first.removesuffix(".py")


def imports(tree: ast.AST, path: Path) -> Iterator[tuple[str, bool]]:
    """Yield every imported dotted name and whether it is imported when the module is."""
    inside = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _typing_only(node)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        eager = id(node) not in inside
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, eager
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            if node.module == "ovbook":
                for name in node.names:
                    yield f"ovbook.{name.name}", eager
            else:
                yield node.module or "", eager


def _typing_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def wrong_imports(text: str, path: Path, source: Path = SOURCE) -> list[str]:
    """Sentences for each import that goes up, or sideways into another room."""
    room = room_of(path, source)
    if room == "__init__":
        return [
            f"{path.name}: the package itself imports {n}"
            for n, _ in imports(ast.parse(text), path)
            if "ovbook" in n
        ]
    found = []
    for name, eager in imports(ast.parse(text), path):
        top, _, rest = name.partition(".")
        if top == "ovbook" and rest:
            other = rest.split(".")[0]
            if other in ("__version__", room):
                continue
            if other not in FLOORS:
                found.append(f"{room} imports ovbook.{other}, which has no floor")
            elif FLOORS[other] >= FLOORS[room] and (room, other) not in ALLOWED_BESIDE:
                found.append(f"{room} (floor {FLOORS[room]}) imports {other} (floor {FLOORS[other]})")
        elif room in CORE_ROOMS and eager and top in HEAVY:
            found.append(
                f"{room} imports {top} when it is imported: the core takes only {sorted(CORE_MAY_IMPORT)}"
            )
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_imports_only_go_down(path):
    assert wrong_imports(path.read_text(encoding="utf-8"), path) == []


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_every_module_says_what_it_is_and_what_it_offers(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "no docstring"
    assigned = [
        t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)
    ]
    assigned += [
        n.target.id for n in tree.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
    ]
    assert "__all__" in assigned or path == SOURCE / "__init__.py", "no __all__"


def test_no_two_neighbours_lean_on_each_other():
    assert not {(b, a) for a, b in ALLOWED_BESIDE} & ALLOWED_BESIDE


def test_every_room_has_a_floor():
    rooms = {room_of(path) for path in modules()} - {"__init__"}
    assert rooms <= set(FLOORS)


@pytest.mark.parametrize(
    ("room", "line", "wrong"),
    [
        ("world/rows.py", "from ovbook.train import train", True),
        ("world/rows.py", "import ovbook.corpus", True),
        ("world/rows.py", "from ovbook import runs", True),
        ("world/rows.py", "def f():\n    from ovbook.press import lint", True),
        ("hub.py", "from ovbook.world import World", True),
        ("models/decoder.py", "import transformers", True),
        ("models/decoder.py", "def f():\n    import transformers", False),
        ("train.py", "from ovbook.models import forward", False),
        ("press/lint.py", "from ovbook.press.convert import title", False),
        ("cli.py", "from ovbook.press.build import build", False),
        ("charts/curves.py", "from ovbook.claims import judge", True),
        ("charts/curves.py", "import altair", False),
    ],
)
def test_the_check_itself_sees_a_wrong_import(room, line, wrong):
    assert bool(wrong_imports(line, SOURCE / room)) is wrong
