"""A job that stops with a savepoint goes on as any other number of subtasks.

Sums, windows, timers, calls under way, loops, side outputs, several sources, splits and sinks.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.engine.kernel.backends.jobs import Numbers
from tests.engine.kernel.conformance.chaos import verify
from tests.engine.kernel.conformance.chaos_program import Run, build
from weft_engine.kernel import FileSink, LocalEnvironment
from weft_engine.kernel.connectors import Reader, ReaderContext

PATIENCE = 120


@pytest.fixture(autouse=True)
def quick(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.CRITICAL)
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def environment(run: Run, **more: Any) -> LocalEnvironment:
    config = {
        "parallelism": run.parallelism,
        "batch.size": 16,
        "key.groups": 32,
        "state.backend": run.state,
        "checkpoint.dir": str(Path(run.folder) / "checkpoints"),
        "checkpoint.interval": 30,
        "seed": run.seed,
        **more,
    }
    return LocalEnvironment("chaos", config, backend="inline")


@pytest.mark.parametrize("before", range(1, 5))
@pytest.mark.parametrize("behind", range(1, 5))
def test_stopped_and_divided_anew(before: int, behind: int, tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    run = Run(str(tmp_path), records=1000, parallelism=before, seed=10 * before + behind)
    env = environment(run)
    build(env, run)
    job = env.submit(wait=False)
    while len(job.checkpoints) < 1 + (before + behind) % 4:
        job.step()
    assert job.state == "running", job.error
    path = job.savepoint(tmp_path / "savepoint", stop=True, timeout=PATIENCE)
    state = "disk" if behind % 2 else "heap"
    again = replace(run, parallelism=behind, state=state)
    env = environment(again, chaining=bool(behind % 3))
    odd, loop = build(env, again)
    job = env.submit(wait=False, resume=str(path))
    job.wait(PATIENCE)
    found = {"odd": odd.get(), "loop": loop.get(), "attempts": 1}
    (tmp_path / "collected.json").write_text(json.dumps(found))
    verify(again)


class Held(Numbers):
    """Gives the numbers below 200, and then nothing more; it has no end."""

    def __init__(self) -> None:
        super().__init__(None, 4)

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[int]:
        reader: Any = Numbers(200, 4).reader(split, position, context)
        read = reader.read
        reader.read = lambda limit: read(limit) or []
        return cast(Reader[int], reader)


@pytest.mark.parametrize("backend", ["inline", "threads", "processes"])
def test_a_savepoint_needs_no_checkpoints(backend: str, tmp_path: Path) -> None:
    def pipeline(parallelism: int, source: Numbers) -> tuple[LocalEnvironment, FileSink]:
        config = {"parallelism": parallelism, "batch.size": 16}
        env = LocalEnvironment("saved", config, backend=backend)
        sink = FileSink(tmp_path / "out")
        counts = env.from_source(source, uid="numbers").key_by(lambda n: n % 7).count(uid="counts")
        counts.sink(sink, uid="out")
        return env, sink

    env, _ = pipeline(2, Held())
    job = env.submit(wait=False)
    assert job.savepoint(tmp_path / "first", timeout=PATIENCE).is_dir()
    path = job.savepoint(tmp_path / "second", stop=True, timeout=PATIENCE)
    job.wait(PATIENCE)
    env, sink = pipeline(3, Numbers(1000, 4))
    env.submit(wait=True, resume=str(path))
    found = [json.loads(line) for part in sink.parts() for line in part.read_text().splitlines()]
    wanted = Counter(n % 7 for n in range(1000))
    assert Counter(key for key, _ in found) == wanted
    assert {key: max(n for k, n in found if k == key) for key in wanted} == wanted


class Uneven(Numbers):
    """The splits of one of two subtasks are short."""

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[int]:
        assert self.count is not None
        other = Numbers(self.count if split % 2 else self.count // 10, self.parts)
        return other.reader(split, position, context)


@pytest.mark.parametrize("seed", range(12))
def test_only_one_of_two_operators_is_divided_anew(seed: int, tmp_path: Path) -> None:
    """Some of the second had ended already, and get records from the first again."""

    def pipeline(parallelism: int) -> tuple[LocalEnvironment, Any]:
        run = Run(str(tmp_path), parallelism=parallelism, seed=seed)
        env = environment(run, **{"checkpoint.interval": 5})
        numbers = env.from_source(Uneven(1000, 4), uid="numbers")
        return env, numbers.map(str).set_parallelism(2).disable_chaining().collect()

    env, _ = pipeline(2)
    job = env.submit(wait=False)
    while not _some_have_ended(job):
        job.step()
    path = job.savepoint(tmp_path / "savepoint", stop=True, timeout=PATIENCE)
    env, found = pipeline(4)
    env.submit(wait=True, resume=str(path))
    short = {n for n in range(100) if n % 2 == 0}
    assert sorted(map(int, found.get())) == sorted(short | set(range(1, 1000, 2)))


def _some_have_ended(job: Any) -> bool:
    """Of both operators, and the others have not."""
    deployment = job._coordinator.deployment
    assert job.state != "finished"
    done = [] if deployment is None else [s.id for s in deployment._subtasks if s.done]
    return {0, 1} <= {id_.stage for id_ in done}


def test_a_source_that_is_new_in_a_changed_program_is_read(tmp_path: Path) -> None:
    def pipeline(sources: int) -> tuple[LocalEnvironment, Any]:
        env = environment(Run(str(tmp_path), parallelism=2))
        streams = [env.from_source(Numbers(50, 4), uid=f"n{n}") for n in range(sources)]
        both = streams[0].union(*streams[1:]).map(str).uid("texts")
        return env, both.key_by(len).count(uid="counts").uid("counts").collect()

    env, _ = pipeline(1)
    job = env.submit(wait=False)
    while not job.checkpoints:
        job.step()
    path = job.savepoint(tmp_path / "savepoint", stop=True, timeout=PATIENCE)
    env, _ = pipeline(2)
    counted = env.submit(wait=True, resume=str(path))
    last: dict[int, int] = {}
    for records in counted.results.values():
        for key, count in records:
            last[key] = max(last.get(key, 0), count)
    assert last == {1: 20, 2: 80}


class Rules:
    """Numbers as they come, with all rules there are."""

    def __init__(self, run: int) -> None:
        self.run = run
        self.rules: set[str] = set()

    def process1(self, value: int, context: Any) -> list[tuple[int, int, str]]:
        return [(self.run, value, "".join(sorted(self.rules)))]

    def process2(self, rule: str, context: Any) -> None:
        self.rules.add(rule)

    def snapshot_state(self) -> list[set[str]]:
        return [self.rules]

    def restore_state(self, pieces: Iterable[set[str]]) -> None:
        self.rules.update(*pieces)


@pytest.mark.parametrize("before", range(1, 4))
@pytest.mark.parametrize("behind", range(1, 5))
def test_what_was_broadcast_is_known_to_all(before: int, behind: int, tmp_path: Path) -> None:
    def pipeline(number: int, parallelism: int) -> tuple[LocalEnvironment, Any]:
        run = Run(str(tmp_path), parallelism=parallelism, seed=10 * before + behind)
        env = environment(run)
        rules = env.from_collection(["a", "b", "c"], uid="rules")
        numbers = env.from_source(Numbers(3000, 4), uid="numbers")
        both = numbers.rebalance().connect(rules.broadcast())
        return env, both.co_process(Rules(number), uid="both").collect()

    env, _ = pipeline(1, before)
    job = env.submit(wait=False)
    while not _has_ended(job, "rules"):
        job.step()
    assert job.state == "running", job.error
    path = job.savepoint(tmp_path / "savepoint", stop=True, timeout=PATIENCE)
    env, found = pipeline(2, behind)
    env.submit(wait=True, resume=str(path))
    records = found.get()
    assert sorted(value for _, value, _ in records) == list(range(3000))
    assert {rules for number, _, rules in records if number == 2} == {"abc"}


def _has_ended(job: Any, uid: str) -> bool:
    deployment = job._coordinator.deployment
    subtasks = [] if deployment is None else deployment._subtasks
    return any(s.done and s.stage.operators[0].uid == uid for s in subtasks)


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
@pytest.mark.parametrize("seed", range(8))
def test_joins_are_divided_anew(how: Any, seed: int, tmp_path: Path) -> None:
    """Some while the right side is still read, some while the left side is led past it."""
    before, behind = 1 + seed % 4, 1 + seed * 3 % 5
    ends = "left" if seed % 2 else "right"
    lengths = {"left": 100 if seed % 2 else 2000, "right": 2000 if seed % 2 else 100}

    def pipeline(parallelism: int, state: Any) -> tuple[LocalEnvironment, Any]:
        run = Run(str(tmp_path), parallelism=parallelism, seed=seed, state=state)
        env = environment(run)
        left = env.from_source(Numbers(lengths["left"], 3), uid="left")
        right = env.from_source(Numbers(lengths["right"], 3), uid="right")
        pairs = left.join(right, _third, _third, lambda a, b: (a, b), how=how).uid("join")
        return env, pairs.collect()

    env, _ = pipeline(before, "disk" if seed % 3 else "heap")
    job = env.submit(wait=False)
    while not _has_ended(job, ends):
        job.step()
    assert job.state == "running", job.error
    path = job.savepoint(tmp_path / "savepoint", stop=True, timeout=PATIENCE)
    env, found = pipeline(behind, "heap" if seed % 2 else "disk")
    env.submit(wait=True, resume=str(path))
    assert Counter(found.get()) == _joined(how, range(lengths["left"]), range(lengths["right"]))


def _third(number: int) -> int | None:
    """A key that most have for themselves, some share, and some do not have."""
    return None if number % 7 == 3 else number // 3 if number % 2 else number % 50


def _joined(how: str, left: range, right: range) -> Counter[Any]:
    pairs = Counter(
        (a, b) for a in left for b in right if _third(a) is not None and _third(a) == _third(b)
    )
    met = {a for a, _ in pairs}, {b for _, b in pairs}
    if how in ("left", "outer"):
        pairs.update((a, None) for a in left if a not in met[0])
    if how in ("right", "outer"):
        pairs.update((None, b) for b in right if b not in met[1])
    return pairs
