"""What became of a run that ended, told again from its journal to a server that did not hear it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from weft_engine.errors import WeftError
from weft_engine.runs.journal.base import StepRow
from weft_engine.runs.journal.records import Records
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.outputs import OutputRef, OutputStore

Told = tuple[str, str, dict[str, Any]]
"""The type of an event, its node, and its data."""


def told_again(
    steps: Sequence[StepRow], values: ValueStore, outputs: OutputStore
) -> Iterator[Told]:
    """The outputs and the end of every activation, in the order in which they ended.

    What the journal can no longer read is left out: the run is over, and its end is what counts.
    """
    last = {(row.node, row.scope): row for row in steps if row.kind == "node"}
    for row in last.values():
        if row.state == "started":
            continue
        where: dict[str, Any] = {"scope": row.scope} if row.scope else {}
        for port, stored in row.outputs.items():
            try:
                ref = _kept(values.get(stored), outputs).as_dict()
            except WeftError:
                continue
            yield "node_output", row.node, where | _output(port, ref)
        for port, ref in row.shown.items():
            yield "node_output", row.node, where | _output(port, ref)
        yield f"node_{row.state}", row.node, where | _end(row)


def took_ms(steps: Sequence[StepRow], ended: float) -> float:
    """How long a run took, as far as its rows tell."""
    began = min((row.started or row.ended for row in steps), default=ended)
    return round(max(ended - began, 0.0) * 1000, 3)


def _output(port: str, ref: dict[str, Any]) -> dict[str, Any]:
    return {"port": port, "type": "Any", "count": ref["count"], "ref": ref}


def _end(row: StepRow) -> dict[str, Any]:
    data: dict[str, Any] = {"restored": True, "attempt": row.attempt}
    if row.failure is not None:
        data["failure"] = row.failure
    if row.state == "skipped":
        return data | {"reason": "error_skipped" if row.failure else "input_skipped"}
    if row.started:
        data["duration_ms"] = round((row.ended - row.started) * 1000, 3)
    data["ended_at"] = datetime.fromtimestamp(row.ended, UTC).isoformat(timespec="milliseconds")
    return data


def _kept(value: Any, outputs: OutputStore) -> OutputRef:
    if not isinstance(value, Records):
        return outputs.value(value)
    writer = outputs.records()
    for batch in value.batches():
        writer.take(batch)
    return writer.finish()
