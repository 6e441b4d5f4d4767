"""The node types that are installed."""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from weft_engine.errors import FlowError
from weft_engine.flow.model import Node
from weft_engine.nodes.node_type import NodeClass, NodeType
from weft_engine.nodes.ports import Work, dynamic_port, work_of
from weft_engine.nodes.settings import validate
from weft_engine.nodes.spec import NodeSpec

GROUP: Final = "weft.nodes"
BUILT_IN: Final = "weft_engine.library"


class PluginProblem(BaseModel):
    """Why a package, or one node type of it, is not in the catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    source: str
    message: str
    hint: str = ""


class Catalogue:
    """Node types by name, with their descriptions."""

    def __init__(
        self, types: Iterable[NodeClass] = (), problems: Iterable[PluginProblem] = ()
    ) -> None:
        self._types: dict[str, NodeClass] = {}
        self._specs: dict[str, NodeSpec] = {}
        self._works: dict[str, Work] = {}
        self.problems: list[PluginProblem] = list(problems)
        for node in types:
            self._add(node)

    @classmethod
    def installed(cls) -> Self:
        """Collect what every installed package offers under the entry point group `weft.nodes`.

        The built-in library comes through the same door; from a bare checkout it is found by name.
        A package that cannot be loaded is left out and reported in `problems`.
        """
        problems: list[PluginProblem] = []
        types: list[NodeClass] = []
        for name in _modules(problems):
            types.extend(_types_of(name, problems))
        return cls(types, problems)

    def _add(self, node: NodeClass) -> None:
        source = f"{node.__module__}.{node.__qualname__}"
        try:
            spec, work = NodeSpec.of(node), work_of(node)
        except Exception as error:  # noqa: BLE001 - a plugin may break in any way
            self._report("plugin.broken", source, f"{type(error).__name__}: {error}")
            return
        other = self._types.get(spec.type)
        if other is node:
            return
        if other is not None:
            taken = f"{other.__module__}.{other.__qualname__}"
            self._report("plugin.duplicate_type", source, f"{spec.type} is already {taken}")
            return
        self._types[spec.type], self._specs[spec.type] = node, spec
        self._works[spec.type] = work

    def _report(self, code: str, source: str, message: str) -> None:
        self.problems.append(PluginProblem(code=code, source=source, message=message))

    def __getitem__(self, name: str) -> NodeClass:
        found = self._types.get(name)
        if found is None:
            near = self.nearest(name)
            raise FlowError(
                f"there is no node type {name!r}",
                code="node.unknown_type",
                hint=f"Did you mean {near!r}?" if near else "`weft nodes` lists them all.",
                params={"type": name, "nearest": near},
            )
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._types

    def __iter__(self) -> Iterator[NodeClass]:
        return iter(self._types.values())

    def __len__(self) -> int:
        return len(self._types)

    def get(self, name: str) -> NodeClass | None:
        """The node type of that name, or None."""
        return self._types.get(name)

    def spec(self, name: str) -> NodeSpec | None:
        """The description of the node type of that name, or None."""
        return self._specs.get(name)

    def work(self, name: str) -> Work:
        """How the node type of that name works; `node.unknown_type` when there is none."""
        return self._works[self[name].type_name()]

    def spec_of(self, node: Node) -> NodeSpec | None:
        """The description of one node, with the ports that its settings name; None when unknown."""
        spec = self._specs.get(node.type)
        return spec.with_ports(node.settings) if spec is not None else None

    def work_of(self, node: Node) -> Work:
        """How one node works, with the ports that its settings name; `node.unknown_type`."""
        work, source = self.work(node.type), self[node.type].info.ports_from
        if source is None:
            return work
        named = self._specs[node.type].named_ports(node.settings)
        return replace(work, outputs=tuple(dynamic_port(source, name) for name in named))

    def specs(self) -> list[NodeSpec]:
        """The descriptions of all node types, in the order of their names."""
        return [self._specs[name] for name in sorted(self._specs)]

    def nearest(self, name: str) -> str | None:
        """The installed type whose name is closest, or None when none is close."""
        near = self.nearest_all(name, limit=1)
        return near[0] if near else None

    def nearest_all(self, name: str, *, limit: int = 3) -> list[str]:
        """The installed types whose names are close, closest first."""
        wanted = name.lower()
        words: dict[str, str] = {}
        for known in sorted(self._types):
            spec = self._specs[known]
            for word in (known, known.rpartition(".")[2], spec.name, *spec.aliases["en"]):
                words.setdefault(word.lower(), known)
        close = difflib.get_close_matches(wanted, words, n=limit * 3, cutoff=0.7)
        tail = words.get(wanted.rpartition(".")[2])
        found = [words[word] for word in close] + ([tail] if tail else [])
        return list(dict.fromkeys(found))[:limit]

    def build(self, node_id: str, node: Node) -> NodeType:
        """A node ready to work, its settings validated; FlowError when they are not valid."""
        built, issues = validate(self[node.type], node.settings)
        if built is not None:
            return built
        first = issues[0]
        raise FlowError(
            f"{node.name or self._specs[node.type].name}: {first.message}",
            code="node.setting_invalid",
            hint=first.hint,
            params={
                **first.params,
                "node": node_id,
                "path": list(first.path),
                "nearest": first.nearest[0] if first.nearest else None,
                "count": len(issues),
            },
        )


def _modules(problems: list[PluginProblem]) -> list[str]:
    """The modules that offer node types, the built-in library first."""
    names = [BUILT_IN]
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        name = _module_of(entry, problems)
        if name is not None and name not in names:
            names.append(name)
    return names


def _module_of(entry: EntryPoint, problems: list[PluginProblem]) -> str | None:
    try:
        return entry.module
    except Exception as error:  # noqa: BLE001 - the entry is written by a plugin
        problems.append(_broken(f"{entry.name} = {entry.value}", error))
        return None


def _types_of(name: str, problems: list[PluginProblem]) -> Iterator[NodeClass]:
    module = _load(name, problems)
    if module is None:
        return
    yield from _defined_in(module)
    for info in pkgutil.iter_modules(getattr(module, "__path__", ())):
        yield from _types_of(f"{name}.{info.name}", problems)


def _load(name: str, problems: list[PluginProblem]) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may even call sys.exit
        problems.append(_broken(name, error))
        return None


def _broken(source: str, error: BaseException) -> PluginProblem:
    return PluginProblem(
        code="plugin.broken",
        source=source,
        message=f"{type(error).__name__}: {error}",
        hint="Update or remove the package that offers it; everything else works.",
    )


def _defined_in(module: ModuleType) -> Iterator[NodeClass]:
    for name, member in inspect.getmembers(module, inspect.isclass):
        own = member.__module__ == module.__name__
        if own and not name.startswith("_") and issubclass(member, NodeType):
            yield member
