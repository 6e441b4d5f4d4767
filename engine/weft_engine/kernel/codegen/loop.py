"""Writes the loop over the records of a batch for operators that stand one behind the other.

Every operator adds a few lines to the body of the loop: `continue` drops a record, a flat_map
nests another loop. (Putting operators into one loop by generating code is known as whole-stage
code generation, after Neumann, "Efficiently compiling efficient query plans for modern hardware",
VLDB 2011.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from weft_engine.kernel.codegen.body import Body, Shape, Step
from weft_engine.kernel.codegen.compiled import make_function
from weft_engine.kernel.codegen.kinds import write_operator
from weft_engine.kernel.codegen.leaving import Leaving, make_exit
from weft_engine.kernel.codegen.part import Part
from weft_engine.kernel.codegen.writer import Place


@dataclass(frozen=True, slots=True)
class Loop:
    """A written loop."""

    run: Callable[..., Any]
    """Takes values, times and keys. Instrumented, it gives, for every operator, how many records
    it was given and how many nanoseconds it took."""
    places: dict[int, Place]
    """What its lines belong to, by number."""
    text: str
    timed: bool
    """Whether what comes out of it has times."""


def write_loop(
    parts: Sequence[Part], shape: Shape, leaving: Leaving, step: Step, label: str
) -> Loop:
    """The loop for some operators, none of which wants whole batches.

    Args:
        parts: The operators.
        shape: What the loop is for.
        leaving: Where records go.
        step: What the stepping variant calls.
        label: What tracebacks call the loop.
    """
    body = Body(shape, step)
    add, count = body.writer.add, len(parts)
    way_out = make_exit(body, leaving, count - 1, parts[-1].spec.kind)
    way_out.begin()
    if body.timing:
        for at in range(count):
            add(f"_n{at} = _ns{at} = 0")
    _open_loop(body)
    for at, part in enumerate(parts):
        write_operator(body, at, part)
    way_out.add()
    body.writer.indent = 1
    way_out.end()
    _close(body, parts)
    return _compile(body, label)


def _open_loop(body: Body) -> None:
    columns = [("_v0", "_values")]
    if body.shape.times:
        columns.append(("_t", "_times"))
    if body.shape.keys:
        columns.append(("_k0", "_keys"))
    if len(columns) == 1:
        body.writer.add("for _v0 in _values:")
    else:
        names, lists = (", ".join(each) for each in zip(*columns, strict=True))
        body.writer.add(f"for {names} in zip({lists}):")
    body.writer.indent += 1
    if body.timing:
        body.writer.add("_s = _clock()")


def _close(body: Body, parts: Sequence[Part]) -> None:
    for at, part in enumerate(parts):
        if part.sides is not None:
            body.writer.add(f"{body.writer.bind(f'_flush{at}', part.sides.flush)}()")
    if body.timing:
        found = ", ".join(f"(_n{at}, _ns{at})" for at in range(len(parts)))
        body.writer.add(f"return ({found},)")


def _compile(body: Body, label: str) -> Loop:
    bound = body.writer.bound
    given = "".join(f", {name}={name}" for name in bound)
    star = ", *" if bound else ""
    text = f"def loop(_values, _times, _keys{star}{given}):\n{body.writer.text}"
    places = {line + 1: place for line, place in body.writer.places.items()}
    return Loop(make_function(text, label, bound), places, text, body.time != "None")
