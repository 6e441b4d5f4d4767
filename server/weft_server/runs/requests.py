"""What the engine is asked for, as a row of a run keeps it and gives it back."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from weft_engine.runs.debug import Breakpoint
from weft_engine.runs.run import RunRequest
from weft_server.database import utc_now
from weft_server.runs.live_nodes import Row, json_text

_OPTIONS: Final = (
    "durability", "only_changed", "failure_policy", "max_seconds", "parallelism",
    "stream", "continues", "allow_dropped_state", "flow_ids",
    "retry", "identity", "pins",
)  # fmt: skip
_GIVEN: Final = ("reuse", "overrides")
_PLAIN: Final = RunRequest(run_id="", flow={})


class Surroundings:
    """What holds for all runs of a server: where their files are, and what they may reach."""

    def __init__(self, files: Path, allow_hosts: tuple[str, ...]) -> None:
        self._files = files
        self._allow_hosts = allow_hosts
        self._folders: dict[str, Path] = {}

    def around(self, request: RunRequest, workspace_id: str) -> RunRequest:
        """The request with what its workspace gives and allows."""
        return msgspec.structs.replace(
            request,
            files_root=self._folder(workspace_id),
            confined=True,
            allow_hosts=self._allow_hosts,
            tenant=workspace_id,
        )

    def _folder(self, workspace_id: str) -> str:
        folder = self._folders.get(workspace_id)
        if folder is None or not folder.is_dir():
            folder = self._folders[workspace_id] = (self._files / workspace_id).absolute()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return str(folder)


def row_of(
    request: RunRequest, *, flow_id: str, user_id: str | None, mode: str, definition: str
) -> Row:
    """A new run as a row of `run`; its workspace and its number are not known yet."""
    trigger = request.trigger
    return {
        "id": request.run_id,
        "flow_id": flow_id,
        "state": "ready",
        "inputs": json_text(request.inputs),
        "env": request.env,
        "from_node": request.from_node,
        "to_node": request.to_node,
        "started_by": user_id,
        "created_at": utc_now(),
        "started_at": None,
        "ended_at": None,
        "duration_ms": None,
        "failure": None,
        "counts": None,
        "last_seq": 0,
        "definition": definition,
        "mode": mode,
        "priority": request.priority,
        "trigger": _text(trigger),
        "trigger_node": trigger.get("node") if trigger else None,
        "forked_from": request.forked_from,
        "options": _text(_different(request, _OPTIONS)),
        "flows": _text(request.flows),
        "given": _text(_different(request, _GIVEN)),
        "breakpoints": _text(request.breakpoints),
    }


def request_of(row: Mapping[str, Any]) -> RunRequest:
    """The request that a row was made of."""
    return RunRequest(
        run_id=row["id"],
        flow=json.loads(row["definition"]),
        inputs=json.loads(row["inputs"]),
        env=row["env"],
        from_node=row["from_node"],
        to_node=row["to_node"],
        priority=row["priority"],
        trigger=json.loads(row["trigger"] or "null"),
        forked_from=row["forked_from"],
        flows=json.loads(row["flows"] or "{}"),
        breakpoints=breakpoints_of(row["breakpoints"]),
        **json.loads(row["options"] or "{}"),
        **json.loads(row["given"] or "{}"),
    )


def breakpoints_of(text: str | None) -> list[Breakpoint]:
    """Breakpoints as they are stored."""
    return msgspec.json.decode(text or "[]", type=list[Breakpoint])


def _different(request: RunRequest, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        name: value for name in names if (value := getattr(request, name)) != getattr(_PLAIN, name)
    }


def _text(value: Any) -> str | None:
    return json_text(value) if value else None
