"""What a loop does with the records that come out of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from weft_engine.kernel.batch import Batch
from weft_engine.kernel.codegen.body import Body
from weft_engine.kernel.runtime.operator import Partitioner

Send = Callable[[list[Any], list[int] | None, list[Any] | None], None]


@dataclass(frozen=True, slots=True)
class Leaving:
    """Where records go at the end of a loop."""

    send: Send
    size: int
    """The longest batch, as far as it can be helped."""
    key: Callable[[Any], Any] | None = None
    """How keys are found that the next operator of the stage wants."""
    partitioner: Partitioner | None = None
    """The hash edge to distribute records over, instead of sending them."""
    sent: Callable[[int], None] | None = None
    """Told how many records were distributed."""


class Exit(ABC):
    """Writes the lines for it."""

    def __init__(self, body: Body, leaving: Leaving, at: int) -> None:
        self.body = body
        self.leaving = leaving
        self.at = at
        """The last operator."""

    @abstractmethod
    def begin(self) -> None:
        """Before the loop."""

    @abstractmethod
    def add(self) -> None:
        """For every record."""

    @abstractmethod
    def end(self) -> None:
        """Behind the loop."""


class SendExit(Exit):
    """Records go on in one list."""

    def begin(self) -> None:
        self.body.writer.bind("_send", self.leaving.send)
        self.body.writer.add(self._fresh_lists())

    def add(self) -> None:
        body, add = self.body, self.body.writer.add
        if self.leaving.key is not None:
            key = body.apply(self.leaving.key, [body.value], "_next")
            add(f"_out_k.append({key})", body.place(self.at))
        add(f"_out.append({body.value})")
        if body.time != "None":
            add(f"_out_t.append({body.time})")
        if body.nested:
            add(f"if len(_out) >= {body.writer.bind('_size', self.leaving.size)}:")
            add(f"    {self._sending()}")
            add(f"    {self._fresh_lists()}")
            if body.timing:
                add("    _s = _clock()")

    def end(self) -> None:
        self.body.writer.add(f"if _out: {self._sending()}")

    def _fresh_lists(self) -> str:
        times = "; _out_t = []" if self.body.shape.times else ""
        keys = "; _out_k = []" if self.leaving.key is not None else ""
        return f"_out = []{times}{keys}"

    def _sending(self) -> str:
        times = "_out_t" if self.body.time != "None" else "None"
        keys = "_out_k" if self.leaving.key is not None else "None"
        return f"_send(_out, {times}, {keys})"


class PartsExit(Exit):
    """Records go straight into one list for every subtask behind a hash edge."""

    def begin(self) -> None:
        partitioner = self._partitioner()
        bind = self.body.writer.bind
        bind("_targets", range(partitioner.targets))
        bind("_parts", self._send_parts)
        self.body.writer.add("_pc = 0")
        self._fresh_lists("")

    def add(self) -> None:
        body, add, bind = self.body, self.body.writer.add, self.body.writer.bind
        partitioner = self._partitioner()
        key = body.apply(partitioner.key, [body.value], "_edge")
        find = bind("_find", partitioner.cache.get)
        add(f"_k = {key}", body.place(self.at))
        add(f"_p = {find}(_k)", body.place(self.at))
        add(
            f"if _p is None: _p = {bind('_target', partitioner.target_of)}(_k)", body.place(self.at)
        )
        add(f"_pv[_p].append({body.value}); _pk[_p].append(_k)")
        if body.time != "None":
            add(f"_pt[_p].append({body.time})")
        if body.nested:
            add("_pc += 1")
            add(f"if _pc >= {bind('_size', self.leaving.size)}:")
            add(f"    _pc = 0; {self._sending()}")
            self._fresh_lists("    ")
            if body.timing:
                add("    _s = _clock()")

    def end(self) -> None:
        self.body.writer.add(self._sending())

    def _fresh_lists(self, indent: str) -> None:
        lists = "[[] for _i in _targets]"
        times = "; _pt = " + lists if self.body.shape.times else ""
        self.body.writer.add(f"{indent}_pv = {lists}; _pk = {lists}{times}")

    def _sending(self) -> str:
        return f"_parts(_pv, {'_pt' if self.body.time != 'None' else 'None'}, _pk)"

    def _send_parts(
        self, values: list[list[Any]], times: list[list[int]] | None, keys: list[list[Any]]
    ) -> None:
        parts = [
            Batch(part, None if times is None else times[at], keys[at]) if part else None
            for at, part in enumerate(values)
        ]
        count = sum(map(len, values))
        if count:
            if self.leaving.sent is not None:
                self.leaving.sent(count)
            self._partitioner().send_parts(parts)

    def _partitioner(self) -> Partitioner:
        found = self.leaving.partitioner
        assert found is not None
        return found


class NoExit(Exit):
    """Nothing comes out."""

    def begin(self) -> None:
        """Nothing to prepare."""

    def add(self) -> None:
        """Nothing to add."""

    def end(self) -> None:
        """Nothing to send."""


def make_exit(body: Body, leaving: Leaving, at: int, kind: str) -> Exit:
    """What suits the last operator and what is behind it."""
    if kind == "for_each":
        return NoExit(body, leaving, at)
    if leaving.partitioner is not None:
        return PartsExit(body, leaving, at)
    return SendExit(body, leaving, at)
