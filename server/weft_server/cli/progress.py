"""A run as it goes on: one live line a node on a terminal, plain lines everywhere else."""

import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from weft_server.cli.console import Lang, clip, describe, err, pad, width
from weft_server.cli.waits import Waits

FRAME_S: Final = 0.1

_WORDS: Final = {
    "en": {"queued": "queued", "running": "running", "completed": "done", "failed": "failed",
           "skipped": "skipped", "records": "{n} records", "record": "1 record",
           "started": "running {n} nodes", "checkpoint": "checkpoint {n}",
           "restarting": "starts again in {n} s"},
    "zh": {"queued": "排队中", "running": "运行中", "completed": "完成", "failed": "失败",
           "skipped": "已跳过", "records": "{n} 条", "record": "1 条",
           "started": "正在运行 {n} 个节点", "checkpoint": "检查点 {n}",
           "restarting": "{n} 秒后重新开始"},
}  # fmt: skip
_WHY_SKIPPED: Final = {
    "en": {"disabled": "it is disabled", "input_skipped": "what it waits for was skipped",
           "not_taken": "the other branch was taken",
           "input_failed": "something before it failed",
           "not_selected": "it is not part of this run", "unused": "nothing comes of it",
           "reused": "its output of the last run is used",
           "error_skipped": "an error before it was passed over"},
    "zh": {"disabled": "已停用", "input_skipped": "其依赖的节点被跳过",
           "not_taken": "走了另一条分支", "input_failed": "它之前的节点出错了",
           "not_selected": "不在本次运行范围内", "unused": "输出无人使用",
           "reused": "沿用上次运行的输出", "error_skipped": "前面的错误已被略过"},
}  # fmt: skip
"""As the editor says it (`skip.…` of its texts)."""
_MARKS: Final = {"queued": "·", "running": "▸", "completed": "✓", "failed": "✗", "skipped": "–"}
_COLOURS: Final = {"running": "36", "completed": "32", "failed": "31", "skipped": "2"}
_STATES: Final = {
    "node_started": "running",
    "node_progress": "running",
    "node_completed": "completed",
    "node_failed": "failed",
    "node_skipped": "skipped",
}


@dataclass(slots=True)
class _Line:
    title: str
    state: str = "queued"
    records: int | None = None
    note: str = ""


class Progress:
    """Shows the events of one run to whoever watches stderr."""

    def __init__(
        self,
        nodes: Mapping[str, str],
        lang: Lang,
        *,
        live: bool | None = None,
        waits: Waits | None = None,
    ) -> None:
        self._waits = waits
        self._lines = {node: _Line(title) for node, title in nodes.items()}
        self._words = _WORDS[lang]
        self._why_skipped = _WHY_SKIPPED[lang]
        self._live = self._fits() if live is None else live
        self._colour = self._live and "NO_COLOR" not in os.environ
        self._label = max((width(title) for title in nodes.values()), default=0)
        self._drawn = 0
        self._next_frame = 0.0
        self._lock = threading.Lock()

    def _fits(self) -> bool:
        if not sys.stderr.isatty() or os.environ.get("TERM", "") in ("", "dumb"):
            return False
        return len(self._lines) < os.get_terminal_size(sys.stderr.fileno()).lines - 2

    def event(self, event: Mapping[str, Any]) -> None:
        """Take in one event; called from the threads of the run."""
        with self._lock:
            kind = event["type"]
            if kind == "log":
                self._log(event)
            elif kind == "run_started" and not self._live:
                count = len(event.get("nodes") or self._lines)
                err(f"▸ {self._words['started'].format(n=count)}")
            elif kind == "checkpoint_completed" and not self._live:
                err(f"· {self._words['checkpoint'].format(n=event['id'])}")
            elif kind == "run_restarting":
                self._restarting(event)
            elif kind == "node_waiting" and self._waits is not None:
                self._waiting(self._waits, event)
            elif kind in _STATES and event.get("node") in self._lines:
                self._change(self._lines[event["node"]], event)

    def close(self) -> None:
        """Draw the last state."""
        with self._lock:
            if self._live:
                self._draw()

    def _change(self, line: _Line, event: Mapping[str, Any]) -> None:
        line.state = _STATES[event["type"]]
        line.records = _records(event, line.records)
        if event["type"] == "node_failed":
            failure = event.get("failure") or {}
            line.note = str(failure.get("message", ""))
        elif event["type"] == "node_skipped":
            reason = str(event.get("reason") or "")
            line.note = self._why_skipped.get(reason, reason)
        elif event["type"] == "node_completed":
            line.note = duration(event.get("duration_ms"))
        if not self._live:
            if line.state != "running":
                err(self._text(line))
        elif time.monotonic() >= self._next_frame:
            self._draw()
            self._next_frame = time.monotonic() + FRAME_S

    def _log(self, event: Mapping[str, Any]) -> None:
        node = event.get("node") or ""
        where = self._lines[node].title if node in self._lines else node
        problem = {"code": event.get("level", "info"), "message": event.get("message", "")}
        self._erase()
        err(describe(where, problem) if where else f"{problem['code']} {problem['message']}")
        if self._live:
            self._draw()

    def _waiting(self, waits: Waits, event: Mapping[str, Any]) -> None:
        node = str(event.get("node") or "")
        where = self._lines[node].title if node in self._lines else node
        lines = waits.lines(event, where, time.time())
        if lines:
            self._erase()
            for line in lines:
                err(line)
            if self._live:
                self._draw()

    def _restarting(self, event: Mapping[str, Any]) -> None:
        failure = event.get("failure") or {}
        node = failure.get("node") or ""
        where = self._lines[node].title if node in self._lines else str(node)
        self._erase()
        err(describe(where, failure).removeprefix(": "))
        err(f"▸ {self._words['restarting'].format(n=event.get('delay_s', 0))}")

    def _text(self, line: _Line) -> str:
        parts = [f"{_MARKS[line.state]} {pad(line.title, self._label)}", self._words[line.state]]
        if line.records is not None:
            word = self._words["record" if line.records == 1 else "records"]
            parts.append(word.format(n=f"{line.records:,}"))
        if line.note:
            parts.append(" ".join(line.note.split()))
        return "  ".join(parts)

    def _draw(self) -> None:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns if sys.stderr.isatty() else 80
        self._erase()
        for line in self._lines.values():
            text = clip(self._text(line), columns - 1)
            colour = _COLOURS.get(line.state, "")
            err(f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour else text)
        self._drawn = len(self._lines)

    def _erase(self) -> None:
        if self._drawn:
            sys.stderr.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0


def _records(event: Mapping[str, Any], before: int | None) -> int | None:
    counts = event.get("counts") or {}
    out = counts.get("out") or {}
    if out:
        return int(sum(out.values()))
    return before


def duration(ms: float | None) -> str:
    """A duration with a sensible unit."""
    if ms is None:
        return ""
    if ms < 1:
        return f"{ms:.1f} ms"
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} min {seconds} s"
