"""The description of a node type that the browser, the language model and the docs share."""

import doctest
import inspect
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, TypeAdapter

from weft_engine.nodes.dynamic_ports import PortsFrom, names
from weft_engine.nodes.node_type import NodeClass, NodeInfo, Zh
from weft_engine.nodes.port_type import PortType
from weft_engine.nodes.ports import Kind, PortDef, item_annotation, work_of
from weft_engine.nodes.region import BODY, Inside

JsonSchema = dict[str, Any]

ERROR_PORT = "error"
"""The output port that `on_error: route` gives a node."""


class _Described(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True
    )


class Port(_Described):
    """A typed end of an edge."""

    name: str
    type: PortType
    required: bool = True
    multiple: bool = False
    description: str = ""
    default: Any = None
    json_schema: JsonSchema = Field(default_factory=dict, alias="schema")


class InnerPort(Port):
    """A port of a container that faces the nodes in it."""

    section: str = BODY


class InsideSpec(_Described):
    """What a container offers to the nodes in it."""

    outputs: tuple[InnerPort, ...] = ()
    """Where edges into it start."""
    inputs: tuple[InnerPort, ...] = ()
    """Where edges out of it end."""
    repeats: bool = False
    """Its body is gone through more than once."""

    def input(self, name: str) -> InnerPort | None:
        """The inner input of that name."""
        return next((port for port in self.inputs if port.name == name), None)

    def output(self, name: str) -> InnerPort | None:
        """The inner output of that name."""
        return next((port for port in self.outputs if port.name == name), None)

    @property
    def sections(self) -> tuple[str, ...]:
        """All sections, the body first."""
        named = [port.section for port in (*self.outputs, *self.inputs)]
        return tuple(dict.fromkeys((BODY, *named)))


class SingleWhen(_Described):
    """When a node with `build` gives single values: a setting has a value, and only such arrive."""

    setting: str
    """Empty: whatever the settings."""
    value: str


class Traits(_Described):
    """What the compiler may rely on."""

    pure: bool = True
    deterministic: bool = True
    effects: bool = False
    asynchronous: bool = Field(default=False, alias="async")
    cost: Literal["cheap", "io", "model"] = "cheap"
    region: Literal["stream", "run"] = "stream"
    unbounded: bool = False
    needs_end: bool = False
    parks: bool = False
    batchable: bool = False


class Example(_Described):
    """A piece of Python and what it shows; the tests run it."""

    code: str
    output: str


class Executor(_Described):
    """Where the code of a node type lives."""

    type: Literal["python"] = "python"
    module: str
    class_name: str = Field(alias="class")


class NodeSpec(_Described):
    """Everything that can be known of a node type without running it."""

    type: str
    name: str
    category: str
    description: str
    subtitle: str = ""
    icon: str
    color: str
    version: int = 1
    author: str = ""
    works: Kind = "process"
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    inside: InsideSpec | None = None
    ports_from: PortsFrom | None = None
    single_when: SingleWhen | None = None
    settings: JsonSchema
    traits: Traits
    examples: tuple[Example, ...] = ()
    aliases: dict[str, tuple[str, ...]]
    i18n: dict[str, dict[str, Any]]
    executor: Executor

    @classmethod
    def of(cls, node: NodeClass) -> Self:
        """Derive the description from the class; TypeError when it does not say enough."""
        info, work = node.info, work_of(node)
        description, examples = _documentation(node)
        return cls(
            type=node.type_name(),
            name=info.title,
            category=info.category,
            description=description,
            subtitle=info.subtitle,
            icon=info.icon,
            color=info.color or info.category,
            version=info.version,
            author=info.author,
            works=work.kind,
            inputs=tuple(_port(port, info) for port in work.inputs),
            outputs=tuple(_port(port, info) for port in work.outputs),
            inside=_inside(info.inside),
            ports_from=info.ports_from,
            single_when=_single_when(info),
            settings=_settings(node),
            traits=_traits(info, asynchronous=work.asynchronous, batched=work.batched),
            examples=examples,
            aliases={"en": info.aliases_en, "zh": info.aliases_zh},
            i18n={"zh": _zh(info.zh)},
            executor=Executor(module=node.__module__, class_name=node.__qualname__),
        )

    def input(self, name: str) -> Port | None:
        """The input port of that name."""
        return next((port for port in self.inputs if port.name == name), None)

    def output(self, name: str) -> Port | None:
        """The output port of that name."""
        return next((port for port in self.outputs if port.name == name), None)

    def may_be_single(self, settings: Mapping[str, Any]) -> bool:
        """Whether a node of these settings gives single values where only such arrive."""
        rule = self.single_when
        if rule is None:
            return False
        if not rule.setting:
            return True
        default = self.settings["properties"].get(rule.setting, {}).get("default")
        return bool(settings.get(rule.setting, default) == rule.value)

    def named_ports(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """The output ports that the settings of a node name."""
        source = self.ports_from
        if source is None:
            return ()
        default = self.settings["properties"].get(source.setting, {}).get("default")
        return tuple(names(source, settings, default))

    def with_ports(self, settings: Mapping[str, Any]) -> Self:
        """The description of one node: with the ports that its settings name."""
        source = self.ports_from
        if source is None:
            return self
        named = tuple(
            Port(name=name, type=source.type, description=source.description)
            for name in self.named_ports(settings)
        )
        return self.model_copy(update={"outputs": named})


def _single_when(info: NodeInfo) -> SingleWhen | None:
    if info.single_when is None:
        return None
    setting, value = info.single_when
    return SingleWhen(setting=setting, value=value)


def _inside(inside: Inside | None) -> InsideSpec | None:
    if inside is None:
        return None
    outputs, inputs = (
        tuple(
            InnerPort(
                name=port.name,
                type=port.type,
                required=port.required,
                multiple=port.multiple,
                description=port.description,
                section=port.section,
            )
            for port in side
        )
        for side in (inside.outputs, inside.inputs)
    )
    return InsideSpec(outputs=outputs, inputs=inputs, repeats=inside.repeats)


def _port(port: PortDef, info: NodeInfo) -> Port:
    return Port(
        name=port.name,
        type=port.type,
        required=port.required,
        multiple=port.multiple,
        description=info.ports.get(port.name, ""),
        default=port.default,
        json_schema=_schema(item_annotation(port.annotation)),
    )


def _schema(annotation: Any) -> JsonSchema:
    try:
        return TypeAdapter(annotation).json_schema()
    except (PydanticUserError, TypeError):  # a type variable, or a class without a schema
        return {}


def _settings(node: NodeClass) -> JsonSchema:
    schema = node.model_json_schema()
    for key in ("title", "description"):
        schema.pop(key, None)
    properties: dict[str, Any] = schema.setdefault("properties", {})
    properties.pop("type", None)
    schema["required"] = [name for name in schema.get("required", ()) if name != "type"]
    for name, widget in node.info.widgets.items():
        if name not in properties:
            raise TypeError(f"{node.__qualname__}: the widget {name!r} is of no setting")
        properties[name]["x-widget"] = widget
    return schema


def _traits(info: NodeInfo, *, asynchronous: bool, batched: bool) -> Traits:
    waits = asynchronous or info.parks or info.inside is not None
    light = info.pure and not info.effects and info.cost == "cheap" and not waits
    return Traits(
        pure=info.pure,
        deterministic=info.deterministic,
        effects=info.effects,
        asynchronous=asynchronous,
        cost=info.cost,
        region=info.region or ("stream" if light else "run"),
        unbounded=info.unbounded,
        needs_end=info.needs_end,
        parks=info.parks,
        batchable=batched,
    )


def _documentation(node: NodeClass) -> tuple[str, tuple[Example, ...]]:
    text = inspect.cleandoc(node.__doc__ or "")
    examples = tuple(
        Example(code=example.source.rstrip("\n"), output=example.want.rstrip("\n"))
        for example in doctest.DocTestParser().get_examples(text)
    )
    return text.partition(">>>")[0].strip(), examples


def _zh(zh: Zh) -> dict[str, Any]:
    settings = {name: _titled(text) for name, text in zh.settings.items()}
    ports = {name: _titled(text) for name, text in zh.ports.items()}
    return {
        "title": zh.title,
        "summary": zh.summary,
        "subtitle": zh.subtitle,
        "settings": settings,
        "ports": {name: text["title"] for name, text in ports.items()},
        "port_descriptions": {name: text["description"] for name, text in ports.items()},
    }


def _titled(text: str | tuple[str, str]) -> dict[str, str]:
    title, description = (text, "") if isinstance(text, str) else text
    return {"title": title, "description": description}
