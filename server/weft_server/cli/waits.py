"""What a run waits for, said to whoever runs it from a shell, and how it is answered."""

import argparse
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from weft_server.cli.console import Lang

MOST: Final = 20
"""How many waits of a run are said."""
_SOON_S: Final = 2.0
_WORDS: Final = {
    "en": {"approval": "{node} waits for an answer: {message}",
           "signal": "{node} waits for the signal {signal}",
           "timer": "{node} waits until {due}", "until": "; until {due} at most",
           "answer": "  Answer it: {command}",
           "unreachable": "  Nothing can reach a run that is not kept: stop it with Ctrl+C and run"
                          " it with --data DIR, then answer it: {command}",
           "more": "… there is more that it waits for"},
    "zh": {"approval": "{node} 在等待答复：{message}",
           "signal": "{node} 在等待信号 {signal}",
           "timer": "{node} 等待到 {due}", "until": "；最晚到 {due}",
           "answer": "  答复：{command}",
           "unreachable": "  未保存的运行无法接收答复：按 Ctrl+C 停止，加上 --data DIR 重新运行，"
                          "然后答复：{command}",
           "more": "……还有其他等待"},
}  # fmt: skip


class Waits:
    """Collects what one run waits for."""

    def __init__(self, args: argparse.Namespace, run_id: str, lang: Lang) -> None:
        """Begin with nothing.

        Args:
            args: Those of `weft run`.
            run_id: The run.
            lang: In which language.
        """
        self._args = args
        self._run_id = run_id
        self._lang = lang
        self._given = {text.partition("=")[0] for text in args.signal}
        self._found: dict[tuple[str, str], dict[str, Any]] = {}

    def lines(self, event: Mapping[str, Any], title: str, now: float) -> list[str]:
        """What to say of the event `node_waiting`; nothing of what is over soon."""
        wait = self._wait(event)
        place = wait["node"], wait["scope"]
        known = place in self._found
        self._found[place] = wait
        soon = wait["due"] is not None and wait["due"] - now <= _SOON_S
        if known or soon or self._given & self._names(wait) or len(self._found) > MOST + 1:
            return []
        words = _WORDS[self._lang]
        if len(self._found) > MOST:
            return [words["more"]]
        due = _moment(wait["due"])
        message = " ".join(str(wait["message"] or "").split())
        said = words[wait["kind"]].format(
            node=title, message=message, signal=wait["signal"], due=due
        )
        if wait["kind"] == "timer":
            return [f"⏸ {said}"]
        reached = "answer" if self._args.data is not None else "unreachable"
        until = words["until"].format(due=due) if due else ""
        return [f"⏸ {said}{until}", words[reached].format(command=wait["answer"])]

    def listed(self) -> list[dict[str, Any]]:
        """All that it came to wait for, for programs."""
        return list(self._found.values())

    def _wait(self, event: Mapping[str, Any]) -> dict[str, Any]:
        fields = ("kind", "signal", "message", "due", "data")
        wait: dict[str, Any] = {
            "node": str(event.get("node") or ""),
            "scope": str(event.get("scope") or ""),
            **{name: event.get(name) for name in fields},
        }
        return wait if wait["kind"] == "timer" else {**wait, "answer": self._command(wait)}

    def _command(self, wait: Mapping[str, Any]) -> str:
        """The command that gives it what it waits for."""
        kept = self._args.data is not None
        data = str(self._args.data) if kept else "DIR"
        name = f"{wait['node']}@{wait['scope']}" if wait["scope"] else wait["node"]
        if wait["kind"] == "approval":
            signal = name + '={"approved": true}'
        else:
            signal = f"{wait['signal'] or name}=VALUE"
        words = ["weft", "run", str(self._args.file), "--data", data]
        return shlex.join([*words, "--resume", self._run_id if kept else "RUN", "--signal", signal])

    def _names(self, wait: Mapping[str, Any]) -> set[str]:
        return {wait["node"], f"{wait['node']}@{wait['scope']}", str(wait["signal"])}


def _moment(due: float | None) -> str:
    """A moment in the reader's time zone."""
    if due is None:
        return ""
    return datetime.fromtimestamp(due).astimezone().isoformat(" ", "seconds")
