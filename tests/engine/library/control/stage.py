"""Plays the ends of scopes to a container, one by one, as a scheduler would."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from weft_engine.errors import Failure
from weft_engine.library.environment import names
from weft_engine.nodes.node_type import SKIP
from weft_engine.nodes.region import BODY, ScopeEnd, ScopeFailedError

FAILURE = {"code": "node.failed", "message": "it broke", "node": "work"}


@dataclass
class Stage:
    """A container at work, and all that it asked for."""

    node: Any
    inputs: dict[str, Any]
    variables: dict[str, Any] = field(default_factory=dict)
    under_way: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Scopes, `section:key` → what was given."""
    begun: list[str] = field(default_factory=list)
    raced: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    emitted: list[tuple[str, Any]] = field(default_factory=list)
    told: list[tuple[float, float | None, int]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    read: int = 0
    """How many records were read."""
    most: int = 0
    """How many scopes were under way at a time."""
    result: Mapping[str, Any] | None = None
    error: Exception | None = None

    def begin(self) -> "Stage":
        self.driving = self.node.drive(self)
        self._go(None)
        return self

    def end(
        self,
        scope: str,
        state: Any = "completed",
        /,
        *,
        failure: Mapping[str, Any] = FAILURE,
        variables: Mapping[str, Any] | None = None,
        **exits: Any,
    ) -> "Stage":
        """One of the scopes ends; `3` is short for `body:3`."""
        name = scope if ":" in scope else f"{BODY}:{scope}"
        del self.under_way[name]
        section, _, key = name.partition(":")
        why = failure if state == "failed" else None
        self._go(ScopeEnd(section, key, state, exits, why, variables or {}))
        return self

    def _go(self, end: ScopeEnd | None) -> None:
        try:
            self.driving.send(end)
        except StopIteration as stop:
            self.result = stop.value
        except Exception as error:  # noqa: BLE001 - looked at by the tests
            self.error = error

    @property
    def results(self) -> list[Any]:
        return [value for port, value in self.emitted if port == "results"]

    @property
    def failure(self) -> Mapping[str, Any] | None:
        """Why it failed: as a scope did, or by itself."""
        if isinstance(self.error, ScopeFailedError):
            return self.error.end.failure or {"state": self.error.end.state}
        if self.error is not None:
            return Failure.of(self.error).model_dump()
        return None

    # What containers may ask for

    def input(self, port: str) -> Any:
        found = self.inputs.get(port)
        return list(found) if isinstance(found, tuple) else found

    def records(self, port: str) -> Iterator[Any]:
        for record in self.inputs[port]:
            self.read += 1
            yield record

    def names(self) -> Mapping[str, Any]:
        return names({}, {"id": "run"}, {**self.variables, **self.kept})

    def keep(self, variables: Mapping[str, Any]) -> None:
        self.kept.update(variables)

    def start(self, key: str, section: str = BODY, /, **given: Any) -> None:
        name = f"{section}:{key}"
        assert name not in self.begun, "keys are unique"
        self.begun.append(name)
        self.under_way[name] = given
        self.most = max(self.most, len(self.under_way))

    def first(self, key: str) -> None:
        self.raced.append(key)

    def cancel(self, key: str) -> None:
        self.cancelled.append(key)

    def log(self, level: str, message: str) -> None:
        self.said.append(f"{level}: {message}")

    def progress(self, done: float, total: float | None = None, failed: int = 0) -> None:
        self.told.append((done, total, failed))

    def emit(self, port: str, value: Any) -> None:
        assert value is not SKIP
        self.emitted.append((port, value))


def on_stage(node: Any, **inputs: Any) -> Stage:
    """Begin to drive a container."""
    return Stage(node, inputs).begin()
