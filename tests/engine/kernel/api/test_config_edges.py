"""Configurations that are odd, and whether what they say is done."""

from typing import Any

import pytest

from weft_engine.kernel import LocalEnvironment, ProgramError
from weft_engine.kernel.config import KEYS, read_config


def nested(key: str, value: Any) -> dict[str, Any]:
    """A key with all its sections."""
    for part in reversed(key.split(".")):
        value = {part: value}
    found: dict[str, Any] = value
    return found


VALUES: dict[str, Any] = {
    "parallelism": "3",
    "batch.size": 7,
    "buffer.timeout": "20ms",
    "object.reuse": False,
    "queue.records": 9,
    "queue.bytes": "1mb",
    "key.groups": "64",
    "chaining": "off",
    "seed": 5,
    "workers": 2,
    "checkpointing": "at_least_once",
    "checkpoint.interval": "7s",
    "checkpoint.min_pause": "2s",
    "checkpoint.timeout": "9s",
    "checkpoint.tolerable_failures": 2,
    "checkpoint.dir": "/there",
    "checkpoint.keep": 5,
    "state.incremental": False,
    "state.full_every": 3,
    "state.backend": "disk",
    "state.dir": "/here",
    "restart.strategy": "failure-rate",
    "restart.attempts": 4,
    "restart.delay": "3s",
    "restart.max_delay": "9s",
    "restart.backoff": "3",
    "restart.jitter": 0.5,
    "restart.interval": "4s",
    "tracing": "yes",
    "trace.every": 3,
    "metrics.interval": "3s",
    "metrics.port": 0,
    "otel.endpoint": "http://localhost:4318",
    "status.dir": "/status",
    "log.level": "debug",
    "taskmanager.memory.process.size": "4gb",
    "taskmanager.cpu.cores": 2,
}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_may_stand_in_sections(key: str) -> None:
    value = VALUES[key]
    plain = read_config({key: value})
    for given in (
        nested(key, value),
        {"execution": {key: value}},
        {"execution": nested(key, value)},
    ):
        assert read_config(given) == plain
    assert plain.values == {key: value}
    if KEYS[key].field:
        assert plain.settings != read_config({}).settings


@pytest.mark.parametrize(
    "given",
    [
        {"state": {"backend": "disk"}, "state.backend": "heap"},
        {"incremental": True, "state.incremental": False},
        {"state": {"incremental": True, "state.incremental": True}},
        {"execution": {"parallelism": 2}, "parallelism": 2},
    ],
)
def test_a_key_is_given_once(given: dict[str, Any]) -> None:
    with pytest.raises(ProgramError, match="twice") as caught:
        read_config(given)
    assert caught.value.code == "config.bad_value"


@pytest.mark.parametrize(
    "given",
    [
        {"parameters": "abc"},
        {"parameters": None},
        {"checkpoint.dir": None},
        {"checkpoint.dir": ""},
        {"key.groups": 2**16},
        {"key.groups": 0},
        {"restart.backoff": "much"},
        {"restart.backoff": float("nan")},
        {"batch.size": {"a": 1}},
        {"batch.size": 1.5},
        {"checkpoint.interval": float("inf")},
    ],
)
def test_values_that_cannot_be(given: dict[str, Any]) -> None:
    with pytest.raises(ProgramError) as caught:
        LocalEnvironment(config=given)
    assert caught.value.code == "config.bad_value"


@pytest.mark.parametrize(
    "given", [{"batch": {"sise": 1}}, {"batch": 1}, {"": 1}, {"state": {"": 1}}]
)
def test_sections_with_unknown_keys(given: dict[str, Any]) -> None:
    with pytest.raises(ProgramError) as caught:
        LocalEnvironment(config=given)
    assert caught.value.code == "config.unknown_key"


def test_as_many_key_groups_as_there_may_be_on_disk() -> None:
    env = LocalEnvironment(config={"key.groups": 2**15, "state.backend": "disk"})
    counts = env.from_collection(range(500)).key_by(lambda n: n % 250).count().execute_and_collect()
    assert sorted(counts) == sorted((n, count) for n in range(250) for count in (1, 2))


def test_a_batch_is_never_longer_than_its_size() -> None:
    env = LocalEnvironment(config={"batch.size": 3, "chaining": False})
    longest: list[int] = []

    def note(records: list[int]) -> list[int]:
        longest.append(len(records))
        return records

    env.from_source(lambda: range(100)).map_batch(note).execute_and_collect()
    assert sum(longest) == 100
    assert max(longest) <= 3
