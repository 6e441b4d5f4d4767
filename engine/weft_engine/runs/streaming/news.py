"""What the job of a live run reports: checkpoints, failures, starting again."""

from collections.abc import Mapping
from typing import Any, Final

from weft_engine.errors import FlowError, said
from weft_engine.kernel.coordinator import JobEvent
from weft_engine.kernel.coordinator.failures import JobFailedError
from weft_engine.runs.engine.telling import Voice
from weft_engine.runs.streaming import codes  # noqa: F401 - registers the codes
from weft_engine.runs.streaming.board import Board
from weft_engine.runs.tracker import describe

OVER: Final = {"finished": "completed", "failed": "failed", "cancelled": "cancelled"}
"""How a job ends, and what becomes of its run."""


class JobNews:
    """Tells the run's readers what its job reports; used by the run's thread alone."""

    def __init__(self, voice: Voice, board: Board) -> None:
        self._voice = voice
        self._board = board
        self._error: BaseException | None = None
        self.broke: Mapping[str, Any] | None = None
        """What a node has failed with last, as its watch describes it."""

    def take(self, event: JobEvent) -> str | None:
        """Tell it; how the job has ended if it has."""
        data = event.data
        if event.kind == "checkpoint":
            self._checkpoint(data["stats"])
        elif event.kind == "checkpoint_failed":
            self._no_checkpoint(data["error"])
        elif event.kind == "failure":
            self._error = data["error"]
        elif event.kind == "state" and data["state"] == "restarting":
            self._again(data)
        elif event.kind == "state" and data["state"] in OVER:
            return str(data["state"])
        return None

    def failure(self) -> dict[str, Any]:
        """What the job has failed with last."""
        if self.broke is not None:
            return dict(self.broke)
        error = self._error or FlowError("The stream has failed.", code="stream.damaged")
        if isinstance(error, JobFailedError):
            report = error.report
            found = describe(error.__cause__ or error, report.owner or None, 1, None)
            return {**found, "code": report.code, "message": report.message,
                    "sample": report.sample}  # fmt: skip
        return describe(error, None, 1, None)

    def _checkpoint(self, stats: Any) -> None:
        told = {
            "id": stats.id,
            "kind": stats.kind,
            "bytes": stats.size,
            "duration_ms": round(stats.duration_s * 1000, 1),
            "pause_ms": round(stats.pause_ms, 2),
        }
        self._voice.say("checkpoint_completed", None, told)

    def _no_checkpoint(self, error: BaseException) -> None:
        code = getattr(error, "code", "checkpoint.failed")
        self._voice.say("checkpoint_failed", None, {"code": code, "message": said(error)})
        self._voice.say("log", None, {"level": "warning", "message": said(error)})

    def _again(self, data: Mapping[str, Any]) -> None:
        self._board.again(data["attempt"] + 1)
        told = {"failure": self.failure(), "attempt": data["attempt"] + 2}
        self._voice.say("run_restarting", None, {**told, "delay_s": round(data["delay_s"], 3)})
        self.broke = None
