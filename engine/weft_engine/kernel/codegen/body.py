"""The body of a loop while it is being written, and what all operators write alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter_ns
from typing import Any, Literal

from weft_engine.kernel.codegen.expressions import written
from weft_engine.kernel.codegen.part import Part
from weft_engine.kernel.codegen.writer import Place, Writer
from weft_engine.kernel.inline import Inline
from weft_engine.kernel.runtime.failures import OperatorFailure

Variant = Literal["fast", "instrumented", "stepping"]
Step = Callable[[str, str, Any], Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a loop is written for."""

    variant: Variant
    times: bool
    """Whether batches have times that are to be kept."""
    keys: bool
    """Whether batches have the keys of the first operator."""


class Body:
    """Where the writing has come to: the names of what is at hand there."""

    def __init__(self, shape: Shape, step: Step) -> None:
        self.shape = shape
        self.writer = Writer(indent=1)
        self.value = "_v0"
        """The variable with the record at hand."""
        self.time = "_t" if shape.times else "None"
        """Its time."""
        self.nested = False
        """Whether one record may have become any number of others."""
        self.timing = shape.variant == "instrumented"
        self.stepping = shape.variant == "stepping"
        self._names = 0
        if self.stepping:
            self.writer.bind("_step", step)
        if self.timing:
            self.writer.bind("_clock", perf_counter_ns)

    def fresh(self) -> str:
        """A variable for what a record becomes."""
        self._names += 1
        return f"_v{self._names}"

    def place(self, at: int) -> Place:
        """What to blame for a line: an operator, on the record at hand."""
        return Place(at, self.value)

    def apply(self, function: Any, values: Sequence[str], name: str) -> str:
        """Code that calls a function, or the expression in its place."""
        found = function if isinstance(function, Inline) else getattr(function, "inline", None)
        if isinstance(found, Inline):
            text = written(found, values, self.writer, name)
            if text is not None:
                return text
        return f"{self.writer.bind(name, function)}({', '.join(values)})"

    def call(self, at: int, part: Part, values: Sequence[str], name: str = "fn") -> str:
        """Code that calls a function of an operator, or the expression in its place."""
        return self.apply(part.functions[name], values, f"_{name}{at}")

    def mark(self, at: int) -> None:
        """Take the time since the last mark for the operator's."""
        if self.timing:
            self.writer.add("_e = _clock()")
            self.writer.add(f"_ns{at} += _e - _s")
            self.writer.add("_s = _e")

    def stepped(self, part: Part, phase: str) -> None:
        """Let whoever steps through see the record, and put another in its place."""
        if self.stepping:
            self.writer.add(f"{self.value} = _step({part.spec.uid!a}, {phase!r}, {self.value})")

    def drop_unless(self, condition: str, at: int) -> None:
        """Go on with the next record unless the condition holds."""
        if not self.timing:
            self.writer.add(f"if not {condition}: continue", self.place(at))
            return
        self.writer.add(f"if not {condition}:", self.place(at))
        self.writer.indent += 1
        self.mark(at)
        self.writer.add("continue")
        self.writer.indent -= 1

    def guarded(
        self,
        at: int,
        part: Part,
        target: str,
        lines: Sequence[str],
        again: str = "",
        kept: str = "",
    ) -> None:
        """Lines that set `target`, and what the operator's policy makes of their failing.

        Since 3.11 a `try` costs nothing until something is raised.

        Args:
            at: The operator.
            part: The same.
            target: A variable; has what takes the record's place if anything does.
            lines: Code that may fail.
            again: Code for a function that makes another attempt.
            kept: Code for when nothing has failed.
        """
        add, writer = self.writer.add, self.writer
        if not part.guarded:
            for line in lines:
                add(line, self.place(at))
            if kept:
                add(kept, self.place(at))
            return
        settle = writer.bind(f"_settle{at}", part.failures.settle)
        bound = (
            writer.bind("_Failure", OperatorFailure),
            writer.bind("_Exception", Exception),
            writer.bind("_partial", partial),
        )
        if not again:
            again = f"{writer.bind(f'_again{at}', part.functions['fn'])}, {self.value}"
        add("try:")
        for line in lines:
            add(f"    {line}", self.place(at))
        add(f"except {bound[0]}:")
        add("    raise")
        add(f"except {bound[1]} as _x:")
        asked = f"{settle}(_x, {self.value}, {bound[2]}({again}), {self.time})"
        add(f"    _ok, {target} = {asked}", self.place(at))
        writer.indent += 1
        self.drop_unless("_ok", at)
        writer.indent -= 1
        if kept:
            add("else:")
            add(f"    {kept}", self.place(at))
