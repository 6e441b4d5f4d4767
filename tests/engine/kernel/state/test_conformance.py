"""What every state backend must do, whatever happens in between: compared with plain dicts."""

import contextlib
import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from weft_engine.errors import ResourceError
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.physical import key_group_range, subtask_of
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.state import make_store
from weft_engine.kernel.state.api import KeyedStore, StateSpec
from weft_engine.kernel.state.disk import DiskStore
from weft_engine.kernel.state.hashing import key_group

GROUPS = 16
VALUES = StateSpec("values")
LISTS = StateSpec("lists", "list")
SPACED = StateSpec("spaced", namespaced=True)
# -1 and -2 have the same hash in Python and in ours, 1 and 1.0 and True are one key.
KEYS = [None, -1, -2, 0, 1, 1.0, True, 7, 2.5, "a", "b", "user-17", b"a", ("a", 1), ("a", 1.0), ()]
keys = st.sampled_from(KEYS)
batches = st.lists(keys, min_size=1, max_size=8)
values = st.integers() | st.text(max_size=3) | st.none()
Model = dict[str, dict[Any, Any]]


class Machine(RuleBasedStateMachine):
    backend = "heap"

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.storage = Memory()
        self.settings = Settings(state_backend=self.backend, full_every=3)  # type: ignore[arg-type]
        self.checkpoint = 0
        self.model: Model = {"values": {}, "lists": {}, "spaced": {}}
        self.pending: list[tuple[int, list[Any], Model]] = []
        self.kept: list[tuple[list[Any], Model]] = []
        self.stores: list[KeyedStore] = []
        self.deploy(2)

    def deploy(self, parallelism: int) -> None:
        for store in self.stores:
            store.close()
        self.stores = [
            self.make(key_group_range(index, parallelism, GROUPS), f"uid-{index}")
            for index in range(parallelism)
        ]

    def make(self, groups: range, name: str) -> KeyedStore:
        folder = Path(self.folder.name)
        return make_store(self.settings, groups, GROUPS, name, lambda: 0, folder)

    def store(self, key: Any) -> KeyedStore:
        return self.stores[subtask_of(key_group(key, GROUPS), len(self.stores), GROUPS)]

    def split(self, batch: list[Any]) -> list[tuple[KeyedStore, list[Any]]]:
        shares = [(store, [k for k in batch if self.store(k) is store]) for store in self.stores]
        return [(store, mine) for store, mine in shares if mine]

    @rule(batch=batches, value=values, how=st.sampled_from(["update", "append", "take out"]))
    def change_batch(self, batch: list[Any], value: Any, how: str) -> None:
        spec = VALUES if how == "update" else LISTS
        if how == "take out" and value is None:
            spec = VALUES
        for store, mine in self.split(batch):
            live = store.table(spec).begin(mine)
            self.change(live, mine, value, how)
            store.table(spec).done(mine)
        self.change(self.model[spec.name], batch, value, how)

    def change(self, held: dict[Any, Any], batch: list[Any], value: Any, how: str) -> None:
        for key in batch:
            if how == "update":
                held[key] = (held.get(key), value) if key == "a" else value
            elif how == "append":
                held.setdefault(key, []).append([value])
                held[key][0].append("deep")
            else:
                held.pop(key, None)

    @rule(key=keys, space=st.integers(0, 3), value=values, how=st.sampled_from(["put", "delete"]))
    def change_one(self, key: Any, space: int, value: Any, how: str) -> None:
        table = self.store(key).table(SPACED)
        if how == "put":
            table.put((key, space), value)
            self.model["spaced"][(key, space)] = value
        else:
            table.delete((key, space))
            self.model["spaced"].pop((key, space), None)

    @rule(key=keys, value=values)
    def change_in_place(self, key: Any, value: Any) -> None:
        table = self.store(key).table(LISTS)
        held = table.get(key)
        assert held == self.model["lists"].get(key)
        if held is not None:
            held[0].append(value)
            table.put(key, held)
            self.model["lists"][key][0].append(value)

    @rule(full=st.sampled_from([False, False, False, True]))
    def snapshot(self, full: bool) -> None:
        self.checkpoint += 1
        taken = [store.snapshot(self.checkpoint, full=full) for store in self.stores]
        self.pending.append((self.checkpoint, taken, copy.deepcopy(self.model)))

    @rule(data=st.data(), after=st.none() | st.integers(0, 2))
    def write(self, data: st.DataObject, after: int | None) -> None:
        """In any order: a checkpoint may be given up, or overtaken by the next."""
        if not self.pending:
            return
        number = data.draw(st.integers(0, len(self.pending) - 1))
        checkpoint, taken, model = self.pending[number]
        if after is not None:
            self.break_off(taken, checkpoint, after)
            if data.draw(st.booleans()):
                del self.pending[number]
            return
        del self.pending[number]
        parts = [
            snapshot.write(self.storage, f"{checkpoint}/{index}")
            for index, snapshot in enumerate(taken)
        ]
        self.kept.append((parts, model))

    def break_off(self, taken: list[Any], checkpoint: int, after: int) -> None:
        """Write until there is no space left; also while something is being written."""
        puts = self.storage.puts

        def full(name: str) -> None:
            if self.storage.puts > puts + after:
                raise ResourceError(name, code="checkpoint.storage_full")

        self.storage.before_put = full
        for index, snapshot in enumerate(taken):
            with contextlib.suppress(ResourceError):
                snapshot.write(self.storage, f"{checkpoint}/{index}")
        self.storage.before_put = None

    @rule(data=st.data(), parallelism=st.sampled_from([1, 2, 3, 5]))
    def restore(self, data: st.DataObject, parallelism: int) -> None:
        if self.kept:
            self.go_back(*data.draw(st.sampled_from(self.kept)), parallelism)

    def go_back(self, parts: list[Any], model: Model, parallelism: int) -> None:
        self.deploy(parallelism)
        for store in self.stores:
            store.restore(self.storage, parts)
        self.model = copy.deepcopy(model)
        self.pending.clear()
        self.compare()

    @rule()
    def compare(self) -> None:
        for spec in (VALUES, LISTS, SPACED):
            found: dict[Any, Any] = {}
            for store in self.stores:
                for key, value in store.table(spec).items():
                    assert key not in found
                    found[key] = value
                    own = key[0] if spec.namespaced else key
                    assert key_group(own, GROUPS) in store.key_groups
            assert found == self.model[spec.name]
        for key in KEYS:
            table = self.store(key).table(VALUES)
            assert table.get(key, "none") == self.model["values"].get(key, "none")
        entries = sum(store.size()[0] for store in self.stores)
        assert entries == sum(map(len, self.model.values()))

    def teardown(self) -> None:
        self.compare()
        for checkpoint, taken, model in self.pending:
            parts = [s.write(self.storage, f"{checkpoint}/{i}") for i, s in enumerate(taken)]
            self.kept.append((parts, model))
        for number, (parts, model) in enumerate(self.kept):
            self.go_back(parts, model, number % 3 + 1)
        for store in self.stores:
            store.close()
        self.folder.cleanup()


class HeapMachine(Machine):
    backend = "heap"


COURSE = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestHeap = HeapMachine.TestCase
TestHeap.settings = COURSE


class DiskMachine(Machine):
    backend = "disk"


class SmallCacheMachine(Machine):
    """What does not fit into memory is read again all the time."""

    backend = "disk"

    def make(self, groups: range, name: str) -> KeyedStore:
        folder = Path(self.folder.name)
        return DiskStore(
            self.settings, groups, GROUPS, lambda: 0, folder=folder, name=name, cached=3
        )


TestDisk = DiskMachine.TestCase
TestDisk.settings = settings(COURSE, max_examples=40)
TestSmallCache = SmallCacheMachine.TestCase
TestSmallCache.settings = settings(COURSE, max_examples=40)
