"""The types of the web client are made from the server as it is now."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from weft_server.cli.schema import document

API = Path(__file__).parent.parent / "web/src/api"
OPENAPI = API / "openapi.json"
TYPES = API / "schema.d.ts"
STALE = "the server's interface has changed: run `make generate` and commit what it wrote"


def test_the_openapi_document_is_current() -> None:
    assert json.loads(document()) == json.loads(OPENAPI.read_text(encoding="utf-8")), STALE


def test_the_openapi_document_has_one_order() -> None:
    """Two machines write the same text, so that a change in it is a change of the interface."""
    texts = {_written(seed) for seed in ("1", "2")}
    assert texts == {OPENAPI.read_text(encoding="utf-8")}, STALE


def test_the_types_are_of_that_document() -> None:
    first, _, rest = TYPES.read_text(encoding="utf-8").partition("\n")
    digest = hashlib.sha256(OPENAPI.read_bytes()).hexdigest()
    assert first == f"// sha256 of openapi.json: {digest}", STALE
    assert "export interface components" in rest


def _written(hash_seed: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "weft_server.cli.main", "schema"],
        env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
    )
    return run.stdout.decode("utf-8")
