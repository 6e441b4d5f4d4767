"""Breakpoints of a live run: samples, and places where the whole stream stands still."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from weft_engine.compiler.streaming_lowered import Live
from weft_engine.compiler.taps import VIEW
from weft_engine.runs.debug import Breakpoint


class Points:
    """Writes down what watches are to look for; workers read it."""

    def __init__(self, file: Path, live: Live) -> None:
        self._file = file
        self._live = live
        self._round = 0
        self._ports: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self.known: dict[str, Breakpoint] = {}
        """By the id that watches call them by."""

    def set(self, points: Sequence[Breakpoint]) -> None:
        """These take the place of all earlier ones."""
        self._ports, self.known = {}, {}
        for number, point in enumerate(points):
            if not point.enabled or point.node not in self._live.nodes:
                continue
            id_ = f"{number}:{point.node}:{point.when}:{point.condition}:{point.sample}"
            self.known[id_] = point
            data = {
                "id": id_,
                "condition": point.condition,
                "hits": point.hits,
                "once": point.once,
                "sample": point.sample,
            }
            for node, port in self._places(point):
                self._ports.setdefault(node, {}).setdefault(port, []).append(data)
        self._write()

    def go_on(self) -> None:
        """The stream goes on: breakpoints may be hit again."""
        self._round += 1
        if self.known:
            self._write()

    def _places(self, point: Breakpoint) -> list[tuple[str, str]]:
        """The ports at which its records are seen."""
        node = self._live.nodes[point.node]
        if point.when == "before":
            edges = [edge for edges in node.inputs.values() for edge in edges[:1]]
            found = [(e.source, e.source_port) for e in edges if e.source in self._live.nodes]
            if found:
                return found[:1]
        ports = [port for port in node.outputs if port != VIEW] or list(node.outputs)
        return [(point.node, port) for port in ports]

    def _write(self) -> None:
        data: Mapping[str, Any] = {"nodes": self._ports, "round": self._round}
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(data), encoding="utf-8")
        beside.replace(self._file)
