"""What a live run can be told."""

from weft_engine.errors import ExpressionError, FlowError
from weft_engine.nodes.expressions import compile_expression
from weft_engine.runs.debug import Command
from weft_engine.runs.engine.debugging_points import bad_condition
from weft_engine.runs.streaming import codes  # noqa: F401 - registers the codes


def judge(command: Command) -> None:
    """Refuse what a stream cannot do: no record is held.

    Raises:
        FlowError: `stream.command`; `run.bad_breakpoint`, a condition means nothing for a record.
    """
    if command.kind not in ("pause", "resume", "breakpoints", "signal"):
        raise FlowError(
            "A live stream stands still as a whole; its records cannot be stepped to or edited.",
            code="stream.command",
            hint="Pause it, let it go on, or set breakpoints with samples.",
            params={"kind": command.kind},
        )
    for point in command.breakpoints:
        if point.enabled and (point.condition or "").strip():
            try:
                compile_expression(point.condition or "")  # as where the records are looked at
            except ExpressionError as error:
                raise bad_condition(point, error) from error
