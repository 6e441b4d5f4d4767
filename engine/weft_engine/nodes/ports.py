"""The ports of a node type, read off the annotations of its `process`, `build` or `region`."""

import functools
import inspect
import operator
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

from weft_engine.nodes.dynamic_ports import PortsFrom
from weft_engine.nodes.node_type import NodeType, Skip
from weft_engine.nodes.port_type import PortType
from weft_engine.nodes.types import is_data_stream, of

CONTEXT: Final = "ctx"
Kind = Literal["process", "build", "container"]
_METHODS: Final[dict[str, Kind]] = {"process": "process", "build": "build", "region": "container"}


@dataclass(frozen=True)
class PortDef:
    """One port, with the annotation it comes from."""

    name: str
    type: PortType
    annotation: Any
    required: bool = True
    default: Any = None
    multiple: bool = False


@dataclass(frozen=True)
class Work:
    """How a node type works: what its method takes and gives."""

    kind: Kind
    inputs: tuple[PortDef, ...]
    outputs: tuple[PortDef, ...]
    named: bool
    """It returns a NamedTuple, one field a port, or a dict (`by_name`)."""
    many: bool
    """`process` gives an iterator."""
    asynchronous: bool
    """`process` is a coroutine function or an asynchronous generator."""
    takes_context: bool
    """It has a parameter `ctx`."""
    by_name: bool = False
    """`process` gives a dict, port → value: its ports are named by a setting."""
    batched: bool = False
    """It has `process_batch` beside `process`: lists in, one list with the answers out."""

    def input(self, name: str) -> PortDef | None:
        """The input port of that name."""
        return next((port for port in self.inputs if port.name == name), None)

    def output(self, name: str) -> PortDef | None:
        """The output port of that name."""
        return next((port for port in self.outputs if port.name == name), None)


def work_of(cls: type[NodeType]) -> Work:
    """Read how a node type works; TypeError when its annotations do not say.

    Ports that a setting names are not among the outputs; see `Catalogue.work_of`.
    """
    kind, method = _method(cls)
    _complete(kind, cls)
    hints = get_type_hints(method, include_extras=True)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    inputs = tuple(
        _input(cls, parameter, hints) for parameter in parameters if parameter.name != CONTEXT
    )
    by_name = cls.info.ports_from is not None
    outputs, named = ((), True) if by_name else _outputs(cls, hints.get("return", Any))
    if cls.info.parks and any(port.type.stream for port in outputs):
        raise TypeError(f"{cls.__qualname__}: a node that parks gives values")
    _keep_to(kind, cls, inputs, outputs)
    return Work(
        kind=kind,
        inputs=inputs,
        outputs=outputs,
        named=named,
        many=kind == "process" and not named and any(port.type.stream for port in outputs),
        asynchronous=inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method),
        takes_context=any(parameter.name == CONTEXT for parameter in parameters),
        by_name=by_name,
        batched=_batched(cls, kind, inputs, outputs),
    )


def _batched(
    cls: type[NodeType], kind: str, inputs: tuple[PortDef, ...], outputs: tuple[PortDef, ...]
) -> bool:
    """Whether it works on many records at a time; TypeError when it cannot."""
    method, name = getattr(cls, "process_batch", None), cls.__qualname__
    if method is None:
        return False
    if kind != "process" or cls.info.parks or any(port.type.stream for port in outputs):
        raise TypeError(f"{name}: `process_batch` stands beside a `process` that gives values")
    if cls.info.effects:
        # A batch that fails is cut into smaller ones, and what they did would be done again.
        raise TypeError(f"{name}: a node with effects is called record by record")
    taken = [one for one in inspect.signature(method).parameters if one not in ("self", CONTEXT)]
    if taken != [port.name for port in inputs]:
        raise TypeError(f"{name}: `process_batch` takes what `process` takes, as lists")
    if inspect.iscoroutinefunction(method) != inspect.iscoroutinefunction(cls.process):  # type: ignore[attr-defined]
        raise TypeError(f"{name}: `process` and `process_batch` are both asynchronous, or neither")
    return True


def dynamic_port(source: PortsFrom, name: str) -> PortDef:
    """The output port that a setting names."""
    return PortDef(name, source.type, Any)


def _method(cls: type[NodeType]) -> tuple[Kind, Callable[..., Any]]:
    found = [(name, method) for name in _METHODS if callable(method := getattr(cls, name, None))]
    if len(found) != 1:
        raise TypeError(f"{cls.__qualname__} needs either `process` or `build` (or `region`)")
    return _METHODS[found[0][0]], found[0][1]


def _complete(kind: Kind, cls: type[NodeType]) -> None:
    """Whether what the class says of itself goes together."""
    name, info = cls.__qualname__, cls.info
    if (kind == "container") != (info.inside is not None):
        raise TypeError(f"{name}: a container has `region` and `info.inside`, others have neither")
    if kind == "container" and not callable(getattr(cls, "drive", None)):
        raise TypeError(f"{name}: a container needs `drive`")
    if kind != "process" and (info.parks or info.ports_from is not None):
        raise TypeError(f"{name}: only `process` can park, or have ports that a setting names")
    if info.parks != callable(getattr(cls, "park", None)):
        raise TypeError(f"{name}: a node that parks has `park` and `info.parks`, others neither")
    if info.ports_from is not None and info.ports_from.setting not in cls.model_fields:
        raise TypeError(f"{name}: there is no setting {info.ports_from.setting!r}")
    inner = (*info.inside.outputs, *info.inside.inputs) if info.inside is not None else ()
    if any(port.type.stream for port in inner):
        raise TypeError(f"{name}: inner ports carry values")
    for side in (info.inside.outputs, info.inside.inputs) if info.inside is not None else ():
        if len({port.name for port in side}) != len(side):
            raise TypeError(f"{name}: two inner ports have the same name")


def _input(cls: type[NodeType], parameter: inspect.Parameter, hints: dict[str, Any]) -> PortDef:
    name = parameter.name
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise TypeError(f"{cls.__qualname__}: ports are named one by one, not *{name}")
    if name not in hints:
        raise TypeError(f"{cls.__qualname__}: the port {name!r} needs an annotation")
    annotation = hints[name]
    required = parameter.default is parameter.empty
    multiple = name in cls.info.multiple
    kind = of(annotation)
    if not required and kind.optional:
        kind = kind.inner
    if multiple:
        if not kind.list:
            raise TypeError(f"{cls.__qualname__}: {name!r} takes many edges, so it is a list[…]")
        kind, annotation = kind.inner, get_args(annotation)[0]
    default = None if required else parameter.default
    return PortDef(name, kind, annotation, required, default, multiple)


def _outputs(cls: type[NodeType], returned: Any) -> tuple[tuple[PortDef, ...], bool]:
    if returned is None or returned is type(None):
        return (), False
    fields = _fields(returned)
    if fields is None:
        return (PortDef(cls.info.output, of(returned), returned),), False
    return tuple(PortDef(name, of(kind), kind) for name, kind in fields.items()), True


def _fields(returned: Any) -> dict[str, Any] | None:
    """The fields of a NamedTuple with their types, its own variables filled in."""
    origin = get_origin(returned) or returned
    if not (isinstance(origin, type) and issubclass(origin, tuple) and hasattr(origin, "_fields")):
        return None
    hints = get_type_hints(origin, include_extras=True)
    parameters = getattr(origin, "__parameters__", ())
    given = dict(zip(parameters, get_args(returned), strict=False))
    return {name: _fill(hints[name], given) for name in origin._fields}


def _fill(annotation: Any, given: dict[Any, Any]) -> Any:
    if isinstance(annotation, TypeVar):
        return given.get(annotation, annotation)
    parameters = getattr(annotation, "__parameters__", ())
    if not parameters or not given:
        return annotation
    return annotation[tuple(given.get(parameter, parameter) for parameter in parameters)]


def _keep_to(
    kind: str, cls: type[NodeType], inputs: tuple[PortDef, ...], outputs: tuple[PortDef, ...]
) -> None:
    name = cls.__qualname__
    if kind == "build" and not all(port.type.stream for port in (*inputs, *outputs)):
        raise TypeError(f"{name}: every port of `build` is a DataStream")
    if kind == "process" and any(port.type.stream for port in inputs):
        raise TypeError(f"{name}: `process` takes values; whole streams are for `build`")
    if kind == "process" and any(is_data_stream(port.annotation) for port in outputs):
        raise TypeError(f"{name}: `process` gives an Iterator; DataStreams are for `build`")


def item_annotation(annotation: Any) -> Any:
    """What flows through a port: `T` of `Iterator[T]`, of `DataStream[T]` and of `T | Skip`."""
    origin = get_origin(annotation)
    if origin in (Iterator, AsyncIterator) or is_data_stream(annotation):
        return (get_args(annotation) or (Any,))[0]
    if Skip in get_args(annotation):
        rest = [arg for arg in get_args(annotation) if arg is not Skip]
        return functools.reduce(operator.or_, rest[1:], rest[0])
    return annotation
