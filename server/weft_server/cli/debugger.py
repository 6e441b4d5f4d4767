"""A debugger without a browser: for `weft run --breakpoint`, on a terminal or from a script."""

import json
import sys
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any, Final

from weft_engine.errors import FlowError, WeftError
from weft_engine.runs.debug import Breakpoint, Command
from weft_engine.runs.outputs import OutputStore
from weft_server.cli.console import Lang, err

_WORDS: Final = {
    "en": {
        "at": "Stopped {when} {at} ({reason})", "before": "before", "after": "after",
        "unknown": "unknown command {word}; type help", "no_port": "there is no value {port}",
        "bad_value": "{text} is no JSON; texts stand in quotes", "set": "{port} is replaced",
        "gone": "no more input; going on to the end", "usage": "set PORT=JSON",
        "help": "continue (c) · step (s) · into · out · print [PORT] (p) · set PORT=JSON · "
                "break NODE[:before|after][:CONDITION] · where (w) · quit (q)",
    },
    "zh": {
        "at": "停在 {at} {when}（{reason}）", "before": "之前", "after": "之后",
        "unknown": "未知命令 {word}；输入 help 查看", "no_port": "没有名为 {port} 的值",
        "bad_value": "{text} 不是 JSON；文本要加引号", "set": "{port} 已替换",
        "gone": "没有更多输入；继续运行到结束", "usage": "set 端口=JSON",
        "help": "continue (c) 继续 · step (s) 单步 · into 进入 · out 跳出 · print [端口] (p) · "
                "set 端口=JSON · break 节点[:before|after][:条件] · where (w) · quit (q) 退出",
    },
}  # fmt: skip
_GOING: Final = {
    "continue": "resume", "c": "resume", "step": "step_over", "s": "step_over", "over": "step_over",
    "into": "step_into", "i": "step_into", "out": "step_out", "o": "step_out",
}  # fmt: skip

_ANSWER_S: Final = 1.0
"""How long a run may take to show a value that was replaced."""

Tell = Callable[[Command], None]


def read_breakpoint(text: str) -> Breakpoint:
    """Read `NODE[:before|after][:CONDITION]`.

    Raises:
        FlowError: `run.bad_breakpoint`.
    """
    node, _, rest = text.partition(":")
    when, _, condition = rest.partition(":")
    if when not in ("before", "after"):
        when, condition = "before", rest
    if not node.strip():
        raise FlowError(
            f"The breakpoint {text!r} names no node.",
            code="run.bad_breakpoint",
            hint="Write it as NODE, NODE:after or NODE:before:item.amount > 100.",
            params={"text": text},
        )
    return Breakpoint(
        node=node.strip(),
        when="after" if when == "after" else "before",
        condition=condition.strip() or None,
    )


class Debugger:
    """Asks what to do whenever the run stands at a breakpoint."""

    def __init__(
        self,
        breakpoints: list[Breakpoint],
        store: OutputStore,
        lang: Lang,
        tell: Tell,
        cancel: Callable[[], None],
    ) -> None:
        self._breakpoints = list(breakpoints)
        self._store = store
        self._words = _WORDS[lang]
        self._tell = tell
        self._cancel = cancel
        self._stops: dict[str, Mapping[str, Any]] = {}
        self._shown = threading.Event()
        """A stop was told, perhaps anew with another value."""
        self._pauses: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._ask_on, name="weft-debugger", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def event(self, event: Mapping[str, Any]) -> None:
        """Take in an event of the run; called from its threads."""
        if event["type"] == "breakpoint_hit":
            self._stops[event["stop"]] = event
            self._shown.set()
        elif event["type"] == "breakpoint_left":
            self._stops.pop(event["stop"], None)
        elif event["type"] == "run_paused" and event.get("reason") != "waiting":
            self._pauses.put(True)

    def close(self) -> None:
        """The run is over."""
        self._pauses.put(False)

    def _ask_on(self) -> None:
        while self._pauses.get():
            stop = next(iter(self._stops.values()), None)
            if stop is not None:
                self._where(stop)
            going = False
            while not going:
                going = self._ask(stop)

    def _ask(self, stop: Mapping[str, Any] | None) -> bool:
        """Read a command and do it; whether the run goes on."""
        stop = self._stops.get(str(stop["stop"]), stop) if stop is not None else None
        if sys.stdin.isatty():
            sys.stderr.write("(weft) ")
            sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            err(self._words["gone"])
            self._tell(Command(kind="breakpoints"))
            self._tell(Command(kind="resume"))
            return True
        word, _, rest = line.strip().partition(" ")
        if word in _GOING:
            at = str(stop["stop"]) if stop is not None and word not in ("c", "continue") else None
            kind: Any = _GOING[word]
            return self._told(Command(kind=kind, at=at))
        if word in ("quit", "q"):
            self._cancel()
            return True
        self._look(word, rest.strip(), stop)
        return False

    def _look(self, word: str, rest: str, stop: Mapping[str, Any] | None) -> None:
        if word in ("print", "p"):
            self._print(stop, rest)
        elif word == "set":
            self._set(stop, rest)
        elif word in ("break", "b"):
            self._break(rest)
        elif word in ("where", "w"):
            for each in self._stops.values():
                self._where(each)
        elif word in ("help", "h", "?"):
            err(self._words["help"])
        elif word:
            err(self._words["unknown"].format(word=word))

    def _where(self, stop: Mapping[str, Any]) -> None:
        when = self._words[str(stop["when"])]
        err(self._words["at"].format(when=when, at=stop["stop"], reason=stop["reason"]))

    def _print(self, stop: Mapping[str, Any] | None, port: str) -> None:
        values: Mapping[str, Any] = (stop or {}).get("values") or {}
        if port and port not in values:
            err(self._words["no_port"].format(port=port))
            return
        for name in [port] if port else sorted(values):
            try:
                page = self._store.read(values[name])
            except WeftError as error:
                err(f"{name}: {error.message}")
                continue
            shown = page["value"] if page["kind"] == "value" else page["records"]
            err(f"{name} = {json.dumps(shown, ensure_ascii=False, default=str)}")

    def _set(self, stop: Mapping[str, Any] | None, text: str) -> None:
        port, equals, value = text.partition("=")
        port = port.strip()
        if not equals or stop is None:
            err(self._words["usage"])
        elif port not in (stop.get("values") or {}):
            err(self._words["no_port"].format(port=port))
        else:
            try:
                read = json.loads(value)
            except ValueError:
                err(self._words["bad_value"].format(text=value.strip()))
                return
            self._shown.clear()
            if self._told(Command(kind="edit", at=str(stop["stop"]), port=port, value=read)):
                self._shown.wait(_ANSWER_S)
                err(self._words["set"].format(port=port))

    def _break(self, text: str) -> None:
        try:
            wanted = [*self._breakpoints, read_breakpoint(text)]
        except FlowError as error:
            err(f"{error.message} {error.hint}")
            return
        if self._told(Command(kind="breakpoints", breakpoints=wanted)):
            self._breakpoints = wanted

    def _told(self, command: Command) -> bool:
        """Tell the run something; whether it takes it."""
        try:
            self._tell(command)
        except WeftError as error:
            err(f"{error.message} {error.hint}")
            return False
        return True
