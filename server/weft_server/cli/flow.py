"""`weft flow list|export|import`: flows of a running server, or of a data directory."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from weft_engine.errors import WeftError
from weft_server.cli.console import describe, err, grid, language, out, out_json

if TYPE_CHECKING:
    from weft_server.cli.flow_sources import Source

_WORDS: Final = {
    "en": {"id": "id", "name": "name", "changed": "changed", "none": "There are no flows."},
    "zh": {"id": "编号", "name": "名称", "changed": "修改时间", "none": "还没有流程。"},
}
FAILED, INVALID = 1, 2


def add_parser(subparsers: Any) -> None:
    """Declare the command and its parts."""
    parser = subparsers.add_parser("flow", help="list, export and import flows")
    parts = parser.add_subparsers(metavar="ACTION", title="actions", required=True)
    where = _where()

    listing = parts.add_parser("list", parents=[where], help="list the flows")
    listing.add_argument("--query", default="", metavar="TEXT", help="words of name or description")
    listing.add_argument("--json", action="store_true", help="print the flows as JSON")
    listing.add_argument("--lang", choices=["en", "zh"])
    listing.set_defaults(act=_list)

    export = parts.add_parser("export", parents=[where], help="write a flow as a file")
    export.add_argument("flow", metavar="FLOW", help="id or name of a flow")
    export.add_argument("--out", type=Path, metavar="FILE", help="write there; .json writes JSON")
    export.add_argument("--format", choices=["yaml", "json"], help="default yaml")
    export.set_defaults(act=_export)

    bring = parts.add_parser("import", parents=[where], help="make flows from files")
    bring.add_argument("files", nargs="+", metavar="FILE", help="flow file; - reads the input")
    bring.add_argument("--workspace", metavar="ID", help="default: the oldest one")
    bring.add_argument("--json", action="store_true", help="print what was made as JSON")
    bring.set_defaults(act=_import)
    parser.set_defaults(run=run)


def _where() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--server", default=os.environ.get("WEFT_SERVER"), metavar="URL", help="a running server"
    )
    place.add_argument("--data", type=Path, metavar="DIR", help="a data directory, no server asked")
    parser.add_argument("--key", metavar="KEY", help="API key for --server; default WEFT_API_KEY")
    return parser


def run(args: argparse.Namespace) -> int:
    """Do it; 1 if the server or the directory failed, 2 if the question was wrong."""
    try:
        source = _source(args)
        try:
            return int(args.act(source, args))
        finally:
            source.close()
    except WeftError as error:
        err(describe("weft flow", error.as_dict()))
        return INVALID if error.code.startswith(("flow.", "file.")) else FAILED


def _source(args: argparse.Namespace) -> "Source":
    from weft_server.cli.flow_sources import DataDirectory, RemoteServer

    # A directory that is named goes before a server that the environment names.
    if args.server and args.data is None:
        return RemoteServer(args.server, args.key or os.environ.get("WEFT_API_KEY", ""))
    return DataDirectory(args.data)


def _list(source: "Source", args: argparse.Namespace) -> int:
    flows = source.flows(args.query)
    if args.json:
        out_json(flows)
        return 0
    words = _WORDS[language(args.lang)]
    if not flows:
        out(words["none"])
        return 0
    rows = [[flow["id"], flow["name"], flow["updated_at"][:16]] for flow in flows]
    for line in grid([words["id"], words["name"], words["changed"]], rows):
        out(line)
    return 0


def _export(source: "Source", args: argparse.Namespace) -> int:
    from weft_engine.flow.file import dump

    flow = source.definition(source.find(args.flow))
    as_json = args.format == "json" if args.format else _is_json(args.out)
    text = dump(flow, kind="json" if as_json else "yaml")
    if args.out is None:
        out(text.rstrip("\n"))
        return 0
    try:
        args.out.write_text(text, encoding="utf-8")
    except OSError as error:
        err(f"weft flow: {args.out}: {error.strerror}")
        return FAILED
    return 0


def _is_json(path: Path | None) -> bool:
    return path is not None and path.suffix == ".json"


def _import(source: "Source", args: argparse.Namespace) -> int:
    from weft_engine.flow.file import load, read_file

    # All files are read before any flow is made, so that a broken one leaves nothing half done.
    flows = [
        load(sys.stdin.read(), source="stdin") if name == "-" else read_file(Path(name))
        for name in args.files
    ]
    made = [source.create(flow, args.workspace) for flow in flows]
    if args.json:
        out_json(made)
    else:
        for flow in made:
            out(f"{flow['id']}  {flow['name']}")
    return 0
