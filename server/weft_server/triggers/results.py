"""What a run gave: the outputs of its output nodes, else of its last ones."""

import json
from pathlib import Path
from typing import Any, Final

from sqlmodel import Session

from weft_engine.errors import ResourceError
from weft_engine.runs.outputs import OutputStore
from weft_server.runs import repository

LARGEST: Final = 64_000
"""Bytes of all outputs together that are passed on; larger ones are left out."""
MOST_RECORDS: Final = 1_000


class Results:
    """Reads the outputs of ended runs."""

    def __init__(self, data: Path) -> None:
        self._store = OutputStore(data)

    def read(self, session: Session, run_id: str, largest: int = LARGEST) -> dict[str, Any]:
        """Node → port → value, or list of records; what is too large is left out."""
        flow = json.loads(repository.definition(session, run_id) or "{}")
        left = largest
        found: dict[str, Any] = {}
        for name in _output_nodes(flow):
            row = repository.node(session, run_id, name)
            kept = json.loads(row.outputs) if row is not None and row.outputs else {}
            for port, reference in kept.items():
                value = self._value(reference)
                size = len(json.dumps(value, ensure_ascii=False))
                if size <= left:
                    left -= size
                    found.setdefault(name, {})[port] = value
        return found

    def _value(self, reference: dict[str, Any]) -> Any:
        try:
            page = self._store.read(reference["ref"], 0, MOST_RECORDS)
        except (ResourceError, KeyError):
            return None
        return page["value"] if page["kind"] == "value" else page["records"]


def _output_nodes(flow: dict[str, Any]) -> list[str]:
    named = flow.get("outputs") or []
    if named:
        return list(named)
    sources = {edge["source"] for edge in flow.get("edges", ())}
    return sorted(set(flow.get("nodes", {})) - sources)
