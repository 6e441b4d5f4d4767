"""What each kind of operator adds to the body of a loop."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from weft_engine.kernel.codegen.body import Body
from weft_engine.kernel.codegen.part import Part
from weft_engine.kernel.codegen.running import ABSENT


def write_operator(body: Body, at: int, part: Part) -> None:
    """The lines of one operator."""
    body.writer.add(f"# {part.spec.uid!a}: {part.spec.kind!a}")
    if part.spec.copies:
        copied = f"{body.writer.bind('_copy', deepcopy)}({body.value})"
        body.writer.add(f"{body.value} = {copied}", body.place(at))
    body.stepped(part, "in")
    if body.timing:
        body.writer.add(f"_n{at} += 1")
    _set_context(body, at, part)
    _WRITERS.get(part.spec.kind, _nothing)(body, at, part)


def _set_context(body: Body, at: int, part: Part) -> None:
    add, first = body.writer.add, at == 0 and body.shape.keys
    if part.needs_key and not first:
        key = body.apply(part.spec.key or _no_key, [body.value], f"_key{at}")
        add(f"_k{at} = {key}", body.place(at))
    if part.record is None:
        return
    context = body.writer.bind(f"_c{at}", part.record)
    if part.needs_key:
        add(f"{context}.key = _k{at}")
    if body.time != "None":
        add(f"{context}.timestamp = {body.time}")


def _nothing(body: Body, at: int, part: Part) -> None:
    body.mark(at)
    body.stepped(part, "out")


def _map(body: Body, at: int, part: Part) -> None:
    target = body.fresh()
    body.guarded(at, part, target, [f"{target} = {body.call(at, part, [body.value])}"])
    body.value = target
    _nothing(body, at, part)


def _filter(body: Body, at: int, part: Part) -> None:
    condition = body.call(at, part, [body.value])
    if part.guarded:
        body.guarded(at, part, "_b", [f"_b = {condition}"])
        condition = "_b"
    body.drop_unless(condition, at)
    _nothing(body, at, part)


def _flat_map(body: Body, at: int, part: Part) -> None:
    add, target = body.writer.add, body.fresh()
    if part.guarded:
        expand = body.writer.bind(f"_expand{at}", part.expand)
        add(f"for {target} in {expand}({body.value}, {body.time}):", body.place(at))
    else:
        add(f"_r = {body.call(at, part, [body.value])}", body.place(at))
        add("if _r is None: continue")
        add(f"for {target} in _r:", body.place(at))
    body.writer.indent += 1
    body.nested = True
    body.value = target
    _nothing(body, at, part)


def _for_each(body: Body, at: int, part: Part) -> None:
    code = body.call(at, part, [body.value])
    body.guarded(at, part, "_b", [f"_b = {code}" if part.guarded else code])
    body.mark(at)


def _route(body: Body, at: int, part: Part) -> None:
    add, sides = body.writer.add, part.sides
    assert sides is not None
    body.guarded(at, part, "_r", [f"_r = {body.call(at, part, [body.value])}"])
    body.mark(at)
    if body.stepping:
        add("if _r is not None:")
        body.writer.indent += 1
        body.stepped(part, "out")
        body.writer.indent -= 1
    add("if _r != 0:")
    side = body.writer.bind(f"_side{at}", sides.add)
    add(f"    {side}(_r, {body.value}, {body.time})", body.place(at))
    add("    continue")


def _drop_times(body: Body, at: int, part: Part) -> None:
    body.time = "None"
    _nothing(body, at, part)


def _running(body: Body, at: int, part: Part) -> None:
    """The result so far stands in a dict by key; see `running.Running`."""
    running, add, bind = part.running, body.writer.add, body.writer.bind
    assert running is not None
    get, held = bind(f"_get{at}", running.held.get), bind(f"_held{at}", running.held)
    fetch, again = bind(f"_fetch{at}", running.fetch), bind(f"_again{at}", part.again)
    key, before, target = f"_k{at}", f"_h{at}", body.fresh()
    add(f"{before} = {get}({key})", body.place(at))
    if part.spec.kind == "reduce_running":
        code = f"{target} = {body.call(at, part, [before, body.value])}"
        absent = bind("_ABSENT", ABSENT)
        # A key at hand, the usual case, costs one comparison.
        lines = [
            f"if {before} is None:",
            f"    {before} = {fetch}({key})",
            f"    if {before} is {absent}: {target} = {body.value}",
            f"    else: {code}",
            f"else: {code}",
        ]
        kept = f"{held}[{key}] = {target}"
    else:
        lines = [f"if {before} is None: {before} = {fetch}({key})"]
        lines.append(f"_a = {body.call(at, part, [before, body.value], 'add')}")
        lines.append(f"{target} = {_result(body, at, part, key)}")
        kept = f"{held}[{key}] = _a"
    body.guarded(at, part, target, lines, f"{again}, {key}, {before}, {body.value}", kept)
    body.value = target
    _nothing(body, at, part)


def _result(body: Body, at: int, part: Part, key: str) -> str:
    if "result" not in part.functions:
        return f"({key}, _a)"
    return body.call(at, part, ["_a"] if part.bare_result else [key, "_a"], "result")


def _no_key(record: Any) -> None:
    """The key of every record of a stream that has none."""


_WRITERS: Final[Mapping[str, Callable[[Body, int, Part], None]]] = {
    "map": _map,
    "filter": _filter,
    "flat_map": _flat_map,
    "for_each": _for_each,
    "route": _route,
    "split": _route,
    "drop_times": _drop_times,
    "reduce_running": _running,
    "aggregate_running": _running,
}
