"""`weft schema`: the OpenAPI document of the server, from which the web client is generated."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from weft_server.cli.console import err, out


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("schema", help="write the OpenAPI document of the server")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there, not to the terminal")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the document."""
    text = document()
    if args.out is None:
        out(text.rstrip("\n"))
        return 0
    try:
        args.out.write_text(text, encoding="utf-8")
    except OSError as error:
        err(f"weft schema: {args.out}: {error.strerror}")
        return 1
    return 0


def document() -> str:
    """The OpenAPI document; the same on every machine, so that a test can compare it."""
    from litestar.serialization import encode_json, get_serializer

    from weft_server.app import create_app
    from weft_server.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data=Path(folder)))
        app.state.database.close()
    # Defaults of models stand in the schema as objects, which only Litestar's own encoder knows.
    encoded = encode_json(app.openapi_schema.to_schema(), get_serializer(app.type_encoders))
    schema = json.loads(encoded)
    schema["info"]["version"] = "1"
    return json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
