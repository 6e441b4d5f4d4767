"""`weft check FILE…`: every problem of a flow, with its code and a way out."""

import argparse
from pathlib import Path
from typing import Any, Final

from weft_engine.compiler.check import check
from weft_engine.errors import WeftError
from weft_engine.flow.file import read_file
from weft_engine.nodes.catalogue import Catalogue
from weft_server.cli.console import Lang, describe, err, language, out, out_json

_WORDS: Final = {
    "en": {"one": "no problems", "many": "no problems in {n} files"},
    "zh": {"one": "没有问题", "many": "{n} 个文件都没有问题"},
}


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("check", help="find the problems of flow files")
    parser.add_argument("files", nargs="+", metavar="FILE", help="flow file, YAML or JSON")
    parser.add_argument("--json", action="store_true", help="print the problems as JSON")
    parser.add_argument(
        "--lang", choices=["en", "zh"], help="language of what is said around the problems"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check each file; 0 when none has an error, else 2."""
    catalogue = Catalogue.installed()
    reports = [(file, problems_of(file, catalogue)) for file in args.files]
    if args.json:
        out_json({"files": [{"file": file, "problems": found} for file, found in reports]})
    else:
        _print(reports, language(args.lang))
    broken = any(p["severity"] == "error" for _, found in reports for p in found)
    return 2 if broken else 0


def problems_of(file: str, catalogue: Catalogue) -> list[dict[str, Any]]:
    """The problems of one file as data; a file that cannot be read is one problem."""
    try:
        flow = read_file(Path(file))
    except WeftError as error:
        return [{**error.as_dict(), "severity": "error"}]
    return [problem.model_dump(mode="json") for problem in check(flow, catalogue)]


def _print(reports: list[tuple[str, list[dict[str, Any]]]], lang: Lang) -> None:
    for file, found in reports:
        for problem in found:
            node = problem.get("node")
            out(describe(f"{file}:{node}" if node else file, problem))
    count = sum(len(found) for _, found in reports)
    if not count:
        words = _WORDS[lang]["one" if len(reports) == 1 else "many"]
        err(words.format(n=len(reports)))
