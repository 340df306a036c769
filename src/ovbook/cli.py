"""The command ``ovbook``: run a chapter, price it, build the book, read its verdicts."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import ovbook
from ovbook.errors import OvbookError, did_you_mean

__all__ = ["main", "parser"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0; 1 where a check or a comparison found something; 2 for a mistake a person can mend; 130 after Ctrl-C.
    """
    top = parser()
    options, others = top.parse_known_args(arguments)
    if others and not hasattr(options, "rest"):
        top.error(f"unrecognized arguments: {' '.join(others)}")
    if others:
        # What stands after `lab` or `bench NAME` is another program's; a leading option there is not ours to read.
        options.rest = [*options.rest, *others]
    try:
        return int(options.action(options) or 0)
    except KeyboardInterrupt:  # first: an interrupted run raises one that is an OvbookError, too
        print(
            "ovbook: interrupted; finished results are kept, the same command goes on from there",
            file=sys.stderr,
        )
        return 130
    except OvbookError as error:
        print(f"ovbook: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output (head, less) has seen enough.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class _Parser(argparse.ArgumentParser):
    """Says in one sentence what is wrong, and which word may have been meant."""

    words: Sequence[str] = ()

    def error(self, message: str) -> NoReturn:
        if found := re.search(r"invalid choice: '([^']*)'", message):
            message = f"there is no command '{found[1]}'{did_you_mean(found[1], self.words)}"
        elif message.startswith("the following arguments are required: "):
            message = f"{message.partition(': ')[2]} is missing"
        self.exit(2, f"ovbook: {message}; '{self.prog} --help' says what there is\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line, as argparse knows it."""
    top = _Parser(
        prog="ovbook",
        description="A lab book on overtraining that runs on your machine.",
        epilog="'ovbook COMMAND --help' says more about one. CHAPTER is a number (02), a name or the path of a file.",
    )
    top.add_argument("--version", action="version", version=f"ovbook {ovbook.__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND", title="commands", parser_class=_Parser)

    build = commands.add_parser("build", help="execute what is out of date and build the site")
    build.add_argument(
        "--render-only", action="store_true", help="compute nothing; missing chapters become stubs"
    )
    build.set_defaults(action=_build)

    serve = commands.add_parser("serve", help="read the built site through a server on this machine")
    serve.add_argument("--port", type=int, default=8000, help="port on the loopback address (0: a free one)")
    serve.add_argument("--open", action="store_true", help="open it in a browser, too")
    serve.set_defaults(action=_serve)

    lab = commands.add_parser("lab", help="open your own copies of the chapters in JupyterLab")
    lab.add_argument("rest", nargs=argparse.REMAINDER, help="arguments for JupyterLab, such as --no-browser")
    lab.set_defaults(action=_lab)

    plan = commands.add_parser("plan", help="count and price a chapter's experiment without running it")
    _chapter_and_parameters(plan)
    plan.set_defaults(action=_plan)

    run = commands.add_parser("run", help="execute one chapter, with values of your own")
    _chapter_and_parameters(run)
    run.add_argument("--out", type=Path, metavar="FILE", help="where the executed notebook goes")
    run.set_defaults(action=_run)

    claims = commands.add_parser("claims", help="the verdicts of this copy of the book")
    claims.add_argument("--json", action="store_true", help="one JSON array, for programs")
    claims.add_argument(
        "notebooks", nargs="*", type=Path, help="executed notebooks (default: the book's own)"
    )
    claims.set_defaults(action=_claims)

    _results_parser(commands.add_parser("results", help="reference results: list, compare, export"))

    check = commands.add_parser(
        "check", help="look for mistakes in chapters before a commit; compute nothing"
    )
    check.add_argument("chapter", nargs="?", metavar="CHAPTER", help="one chapter (default: the whole book)")
    check.set_defaults(action=_check)

    bench = commands.add_parser("bench", help="run speed measurements of benchmarks/")
    bench.add_argument("name", nargs="?", help="which one (default: list them)")
    bench.add_argument("rest", nargs=argparse.REMAINDER, help="arguments for the measurement itself")
    bench.set_defaults(action=_bench)

    top.words = list(commands.choices)
    return top


def _results_parser(results: argparse.ArgumentParser) -> None:
    assert isinstance(results, _Parser)
    results.description = "The committed reference runs of results/. Without WHAT: a list of what they hold."
    results.set_defaults(action=_results)
    kinds = results.add_subparsers(metavar="WHAT", title="what", parser_class=_Parser)
    compare = kinds.add_parser(
        "compare", help="your executed chapters beside the reference, with differences"
    )
    compare.description = (
        "Own verdicts beside the reference rows. Exit status: 0 when all that were run in the reference's setting "
        "agree, 1 when a verdict differs or a difference excludes 0 (at 5 per cent shared among them), 2 when there "
        "is nothing to compare."
    )
    compare.add_argument(
        "own",
        nargs="?",
        metavar="CHAPTER|DIR|FILE",
        help="a chapter with your own runs of it, a folder of executed notebooks, or one (default: the book's own)",
    )
    compare.add_argument("--json", action="store_true", help="one JSON array, for programs")
    compare.set_defaults(action=_results_compare)
    export = kinds.add_parser("export", help="make executed chapters the reference")
    export.add_argument("chapter", nargs="?", metavar="CHAPTER", help="one chapter (default: all)")
    export.add_argument("--scale", default="laptop", help="which runs to take (default: laptop)")
    export.add_argument("--to", type=Path, metavar="DIR", help="where to (default: results/)")
    export.set_defaults(action=_results_export)
    results.words = list(kinds.choices)


def _chapter_and_parameters(command: argparse.ArgumentParser) -> None:
    command.add_argument("chapter", metavar="CHAPTER", help="number (02), name, or path of a py:percent file")
    command.add_argument(
        "-p",
        dest="assignments",
        action="append",
        default=[],
        metavar="name=value",
        help="a parameter of the chapter",
    )


def _chapter_values(options: argparse.Namespace) -> tuple[Any, Any, dict[str, Any]]:
    """Find the chapter and judge the parameters; everything wrong is refused here, before anything runs."""
    from ovbook.press.convert import declared_parameters, to_notebook
    from ovbook.press.judge import judge_parameters
    from ovbook.project import find_project
    from ovbook.runs.knobs import read_assignments

    project = find_project()
    chapter = project.chapter(options.chapter)
    declared = declared_parameters(to_notebook(chapter.path), chapter.name)
    values = read_assignments(options.assignments, declared, chapter.name)
    judge_parameters({name: parameter.default for name, parameter in declared.items()} | values)
    return project, chapter, values


def _run(options: argparse.Namespace) -> int:
    from ovbook.press.build import PUBLISHED, one_at_a_time
    from ovbook.press.execute import execute

    project, chapter, values = _chapter_values(options)
    of_the_book = not values and options.out is None and chapter in project.chapters()
    if of_the_book:
        with one_at_a_time(project):
            execute(project, chapter, PUBLISHED, project.executed(chapter))
        target = project.executed(chapter)
        print(f"{_short(target)}; 'make render' puts it into the site")
        return 0
    name = "--".join([chapter.name, *(_slug(text) for text in options.assignments)])
    target = options.out or project.notebooks / f"{name[:150]}.ipynb"
    if target.is_dir():
        raise OvbookError(f"'{target}' is a folder: give --out the name of a file")
    execute(project, chapter, values, target.absolute(), publish=False)
    print(_short(target))
    return 0


def _slug(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._" else "-" for letter in text).strip("-")


def _short(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return path.absolute().relative_to(Path.cwd()).as_posix()
    return str(path)


def _plan(options: argparse.Namespace) -> int:
    from ovbook.press.judge import plan_of

    project, chapter, values = _chapter_values(options)
    os.environ.setdefault("OVBOOK_STORE", str(project.store))
    print(plan_of(chapter.path, values))
    return 0


def _build(options: argparse.Namespace) -> int:
    from ovbook.press.build import build
    from ovbook.project import find_project

    page = build(find_project(), render_only=options.render_only)
    print(f"the book is at {_short(page)}")
    return 0


def _claims(options: argparse.Namespace) -> int:
    from ovbook.claims import collect
    from ovbook.press.scoreboard import rows_as_text
    from ovbook.project import find_project

    project = find_project()
    for notebook in options.notebooks:
        if not notebook.is_file():
            raise OvbookError(
                f"there is no notebook '{notebook}': name executed notebooks, or none for the book's own"
            )
    own = [project.executed(chapter) for chapter in project.chapters() if project.executed(chapter).is_file()]
    rows = collect(options.notebooks or own, project.results)
    if options.json:
        print(json.dumps(rows, indent=1, allow_nan=False))
    else:
        print(rows_as_text(rows))
    return 0


def _results(options: argparse.Namespace) -> int:
    from ovbook.press.export import held
    from ovbook.project import find_project

    print(
        "\n".join(held(find_project().results))
        or "results/ holds no reference yet: 'ovbook results export' makes one"
    )
    return 0


def _results_compare(options: argparse.Namespace) -> int:
    from ovbook.claims import collect
    from ovbook.press.comparing import as_json, as_text, comparisons, disagreements, own_notebooks
    from ovbook.project import find_project

    project = find_project()
    found = comparisons(own_notebooks(project, options.own), collect([], project.results))
    print(json.dumps(as_json(found), indent=1, allow_nan=False) if options.json else as_text(found))
    answers = disagreements(found)
    return 2 if all(answer is None for answer in answers) else int(any(answers))


def _results_export(options: argparse.Namespace) -> int:
    from ovbook.press.export import export
    from ovbook.project import find_project

    project = find_project()
    to = options.to or project.results
    if to.exists() and not to.is_dir():
        raise OvbookError(f"'{to}' is a file: give --to the name of a folder")
    chapters = [project.chapter(options.chapter)] if options.chapter else project.chapters()
    print("\n".join(export(project, chapters, options.scale, to)))
    print(f"written to {_short(to)}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from ovbook.press.checks import check
    from ovbook.project import find_project

    project = find_project()
    found = check(project, [project.chapter(options.chapter)] if options.chapter else None)
    print("\n".join(found) or "nothing to mend")
    return 1 if found else 0


def _bench(options: argparse.Namespace) -> int:
    from ovbook.project import find_project

    project = find_project()
    scripts = {file.stem: file for file in sorted((project.root / "benchmarks").glob("*.py"))}
    if options.name is None:
        print("\n".join(f"ovbook bench {name}" for name in scripts) or "benchmarks/ holds no measurement yet")
        return 0
    if options.name not in scripts:
        raise OvbookError(
            f"there is no measurement '{options.name}'{did_you_mean(options.name, scripts)}: benchmarks/ "
            f"holds {', '.join(scripts) or 'none'}"
        )
    command = [sys.executable, str(scripts[options.name]), *options.rest]
    return subprocess.run(command, cwd=project.root, check=False).returncode


def _lab(options: argparse.Namespace) -> int:
    from ovbook.press.lab import open_lab
    from ovbook.project import find_project

    return open_lab(find_project(), options.rest)


def _serve(options: argparse.Namespace) -> int:
    from ovbook.press.serve import server
    from ovbook.project import find_project

    with server(find_project().site, options.port) as running:
        address = f"http://127.0.0.1:{running.server_address[1]}/"
        print(f"the book is at {address}; Ctrl-C stops", flush=True)
        if options.open:
            import webbrowser

            webbrowser.open(address)
        # Ctrl-C is how a server is meant to end.
        with contextlib.suppress(KeyboardInterrupt):
            running.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
