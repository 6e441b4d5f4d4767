"""What a live run can be told."""

from weft_engine.errors import FlowError
from weft_engine.runs.debug import Command
from weft_engine.runs.streaming import codes  # noqa: F401 - registers the codes


def judge(command: Command) -> None:
    """Refuse what a stream cannot do: no record is held.

    Raises:
        FlowError: `stream.command`.
    """
    if command.kind not in ("pause", "resume", "breakpoints", "signal"):
        raise FlowError(
            "A live stream stands still as a whole; its records cannot be stepped to or edited.",
            code="stream.command",
            hint="Pause it, let it go on, or set breakpoints with samples.",
            params={"kind": command.kind},
        )
