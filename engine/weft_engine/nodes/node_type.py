"""The base class of every node type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict

from weft_engine.nodes.context import Files, NodeContext, NodeLogger
from weft_engine.nodes.dynamic_ports import PortsFrom
from weft_engine.nodes.region import Inside
from weft_engine.nodes.row_work import RowWork
from weft_engine.nodes.types import SKIP, Skip

__all__ = [
    "ALWAYS",
    "SKIP",
    "Category",
    "Files",
    "Inside",
    "NodeClass",
    "NodeContext",
    "NodeInfo",
    "NodeLogger",
    "NodeType",
    "PortsFrom",
    "RowWork",
    "SettingGroup",
    "Shown",
    "Skip",
    "Zh",
    "humanise",
]

Category = Literal["source", "process", "ai", "control", "output", "store", "trigger", "util"]
Cost = Literal["cheap", "io", "model"]
Region = Literal["stream", "run"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
ALWAYS: tuple[str, str] = ("", "")
"""Of `NodeInfo.single_when`: it gives one record for each, so one for one."""


@dataclass(frozen=True)
class Zh:
    """The Chinese texts of a node type."""

    title: str
    summary: str
    subtitle: str = ""
    settings: Mapping[str, str | tuple[str, str]] = field(default_factory=dict)
    """Label, or label and description, by setting; `by.field` names one inside another."""
    ports: Mapping[str, str | tuple[str, str]] = field(default_factory=dict)
    """Label, a word or two, or label and description, by port."""


@dataclass(frozen=True)
class NodeInfo:
    """What the class body of a node type cannot say by itself."""

    category: Category
    icon: str
    """The name of a Tabler icon, such as `file-text`."""
    title: str
    zh: Zh
    output: str = "out"
    """The name of the output port, when there is one."""
    subtitle: str = ""
    """The line under the name on the canvas: a template over the settings."""
    ports: Mapping[str, str] = field(default_factory=dict)
    """What the ports are for, by name."""
    aliases_en: tuple[str, ...] = ()
    aliases_zh: tuple[str, ...] = ()
    """Other words that people look for it by."""
    pure: bool = True
    """Equal inputs give equal outputs, and nothing else happens."""
    deterministic: bool = True
    effects: bool = False
    """It changes something outside the run."""
    cost: Cost = "cheap"
    region: Region | None = None
    """Where the compiler puts it, when that is not to be inferred."""
    unbounded: bool = False
    """Its outputs may never end."""
    needs_end: bool = False
    """It gives nothing before its input has ended, as sorting does."""
    multiple: tuple[str, ...] = ()
    """Input ports that take many edges; `process` and `build` get them as a list."""
    inside: Inside | None = None
    """Of a container: what it offers to the nodes in it. It has `region` and `drive`."""
    ports_from: PortsFrom | None = None
    """Its output ports are named by a setting; `process` returns a dict, port → value."""
    single_when: tuple[str, str] | None = None
    """A setting and a value: when it has that, and single values are all that is wired, a node with
    `build` gives single values, too. `ALWAYS`: whatever the settings."""
    parks: bool = False
    """It may wait, for long and with nothing held in memory: it has `park` beside `process`."""
    version: int = 1
    author: str = "Weft"
    color: str = ""
    """A colour of its own; that of its category when empty."""
    widgets: Mapping[str, str] = field(default_factory=dict)
    """How to edit a setting: expression, code, textarea, template, path, url, columns, input."""


@dataclass(frozen=True)
class Shown:
    """What a run keeps for looking at of the rows that a node without outputs is given."""

    columns: tuple[str, ...] = ()
    """The columns, in this order; all of them when empty."""
    limit: int | None = None
    """How many rows at most; how many there were stays known."""

    def of(self, record: Any) -> Any:
        """The part of a record that is kept."""
        if not self.columns or not isinstance(record, Mapping):
            return record
        return {column: record[column] for column in self.columns if column in record}


def humanise(name: str) -> str:
    """`max_rows` → `Max rows`."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


_CONFIG = ConfigDict(
    frozen=True,
    extra="forbid",
    use_attribute_docstrings=True,
    allow_inf_nan=False,
    field_title_generator=lambda name, _: humanise(name),
)


class SettingGroup(BaseModel):
    """Settings that belong together: the base of models inside a setting."""

    model_config = _CONFIG


class NodeType(BaseModel):
    """A kind of step.

    The fields are its settings, the annotations of its `process` or `build` are its ports, and the
    docstring is its documentation and its example. A subclass has one of three methods:

    - `process(self, …inputs) -> output`: record by record. A plain return is a value, an `Iterator`
      emits many, a NamedTuple has a field for each output port, `SKIP` in a field leaves that port
      untaken. `list[T]` collects. May be `async`.
    - `build(self, …streams: DataStream) -> DataStream`: composes operators of the kernel.
    - `region(self, …inputs) -> outputs`, of a container: never called, it only names the outer
      ports, values or DataStreams. What it does is `drive(self, region: Region) -> Drive`.

    Beside `process` there may be `process_batch(self, …lists) -> list`, which takes a list for each
    port and gives the answers in order, when many records at a time are cheaper. Where it fails,
    smaller lists are tried until the record is found, so it must change nothing outside. Settings
    `batch_size` and `max_batch_s` bound how many records, and how long, a batch may take.

    The first two may ask for `ctx: NodeContext`. A node type that parks also has
    `park(self, …inputs, ctx) -> Wake | None`, asked before `process`: None when there is no need to
    wait, else what to wait for; `process` is called when that has come, with `ctx.signal`.
    """

    model_config = _CONFIG

    info: ClassVar[NodeInfo]

    type: Any
    """The name stored in flows, `category.verb`. It never changes."""

    def open(self, ctx: NodeContext) -> None:
        """Get ready; called once before the first record."""

    def close(self) -> None:
        """Clean up; called once after the last record, also when the run failed."""

    def shown(self) -> Shown | None:
        """Say what of the rows it takes in is kept for looking at; None keeps what comes."""
        return None

    def row_work(self) -> RowWork | None:
        """Say what it does to rows, for the compiler; None when that is not to be relied on."""
        return None

    def never_taken(self, variables: Mapping[str, Any]) -> frozenset[str]:
        """Say which of its outputs its settings keep from ever being taken.

        Args:
            variables: The variables that nothing sets, with their values.
        """
        del variables
        return frozenset()

    @classmethod
    def type_name(cls) -> str:
        """The name stored in flows."""
        name = cls.model_fields["type"].default
        if not isinstance(name, str):
            raise TypeError(f'{cls.__qualname__} needs `type: Literal["…"] = "…"`')
        return name


NodeClass = type[NodeType]
