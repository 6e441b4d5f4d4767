"""What is wrong with a program is said when it is built."""

from collections.abc import Callable
from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.kernel import (
    FunctionContext,
    LocalEnvironment,
    MapFunction,
    ProcessFunction,
    ProgramError,
    Session,
    Sliding,
    Tumbling,
    overrides,
)
from weft_engine.kernel.config import DEFAULT_INTERVAL_S, KEYS, merged, read_config
from weft_engine.kernel.settings import Settings


async def _later(record: int) -> int:
    return record


class _Later(MapFunction[int, Any]):
    async def process(self, value: int) -> int:  # type: ignore[override]
        return value


WRONG: dict[str, Callable[[LocalEnvironment], Any]] = {
    "no function": lambda env: env.from_batch([1]).map(3),  # type: ignore[arg-type]
    "no key": lambda env: env.from_batch([1]).key_by("name"),  # type: ignore[arg-type]
    "no source": lambda env: env.from_source([1, 2]),  # type: ignore[arg-type]
    "parallelism": lambda env: env.from_batch([1]).map(str, parallelism=0),
    "no event times": lambda env: env.from_batch([1]).window_all(Tumbling(5)),
    "no window": lambda env: env.from_batch([1]).window_all(5),  # type: ignore[arg-type]
    "empty window": lambda env: Tumbling(0),
    "no duration": lambda env: Sliding("5 parsecs", 1),
    "on_error": lambda env: env.from_batch([1]).map(str).on_error("explode"),  # type: ignore[arg-type]
    "sides of a map": lambda env: env.from_batch([1]).map(str).side_output("late"),
    "another environment": lambda env: env.from_batch([1]).union(LocalEnvironment().from_batch([])),
    "functions for each": lambda env: env.from_batch([1]).connect(env.from_batch([2])).map(str),
    "submit elsewhere": lambda env: env.submit(LocalEnvironment().from_batch([]).print()),
    "submit something": lambda env: env.submit("pipeline"),
    "resume nowhere": lambda env: env.submit(env.from_batch([]).print(), resume="latest"),
    "dead letters": lambda env: env.from_batch([1]).map(str).dead_letters().execute_and_collect(),
    "dead letters in a sink": lambda env: env.submit(
        env.from_batch([1]).map(str).on_error("skip").dead_letters().print()
    ),
    "asynchronous map": lambda env: env.from_batch([1]).map(_later),
    "asynchronous sink": lambda env: env.from_batch([1]).sink(_Later()),
    "one stream": lambda env: env.from_batch([1]).connect(),
    "body": lambda env: env.from_batch([1]).iterate(lambda s: s),  # type: ignore[arg-type,return-value]
    "session": lambda env: (
        env.from_batch([1])
        .assign_timestamps(int)
        .window_all(Session(5))
        .fold(int, lambda held, n: held + n)
    ),
    "run() of a new kind": lambda env: env.run(env.from_batch([1]).assign_timestamps(int)),
    "backend": lambda env: LocalEnvironment(backend="cloud").from_batch([1]).execute_and_collect(),
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_are_named(name: str) -> None:
    with pytest.raises(ProgramError) as caught:
        WRONG[name](LocalEnvironment())
    assert caught.value.message


def test_nothing_to_run() -> None:
    env = LocalEnvironment()
    env.from_batch([1]).map(str)
    with pytest.raises(ProgramError, match="no stream ends in a sink") as caught:
        env.submit()
    assert caught.value.code == "program.nothing_to_run"


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ({"paralelism": 2}, "parallelism"),
        ({"execution": {"bufer.timeout": 2}}, "buffer.timeout"),
        ({"state": {"bakend": "heap"}}, "state.backend"),
        ({"restart.strat": "none"}, "restart.strategy"),
    ],
)
def test_unknown_keys_name_the_nearest(given: dict[str, Any], nearest: str) -> None:
    with pytest.raises(ProgramError) as caught:
        read_config(given)
    assert caught.value.code == "config.unknown_key"
    assert caught.value.params["nearest"] == nearest
    assert nearest in caught.value.hint


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("parallelism", 0, "whole number"),
        ("parallelism", True, "whole number"),
        ("parallelism", "many", "whole number"),
        ("buffer.timeout", "soon", "milliseconds"),
        ("buffer.timeout", -1, "milliseconds"),
        ("object.reuse", "maybe", "true or false"),
        ("key.groups", 100, "power of two"),
        ("state.backend", "cassandra", "rocksdb"),
        ("restart.strategy", "hope", "exponential_delay"),
        ("checkpointing", "twice", "exactly_once"),
        ("taskmanager.memory.process.size", "4 apples", "4gb"),
        ("taskmanager.memory.process.size", 0, "4gb"),
        ("taskmanager.cpu.cores", -1, "cores"),
        ("restart.jitter", 3, "0 to 1"),
        ("log.level", "loud", "DEBUG"),
        ("checkpoint.interval", 0, "milliseconds"),
    ],
)
def test_bad_values_say_what_is_allowed(key: str, value: Any, allowed: str) -> None:
    with pytest.raises(ProgramError) as caught:
        read_config({key: value})
    assert caught.value.code == "config.bad_value"
    assert allowed.lower() in caught.value.hint.lower()


def test_values_as_people_write_them() -> None:
    config = read_config(
        {
            "execution": {"parallelism": "16", "buffer.timeout": 50, "object.reuse": "false"},
            "state": {"backend": "rocksdb", "checkpoint.interval": "30s", "incremental": False},
            "resources": {"taskmanager.memory.process.size": "4gb", "taskmanager.cpu.cores": "4"},
            "restart": {"strategy": "exponential-delay", "max_delay": "5m", "delay": "10s"},
            "checkpoint.timeout": "5m",
            "parameters": {"model": "small"},
        }
    )
    settings = config.settings
    assert settings.parallelism == 16
    assert (settings.linger_ms, settings.object_reuse) == (50, False)
    assert (settings.state_backend, settings.incremental) == ("disk", False)
    assert (settings.checkpoint_interval_s, settings.checkpoint_timeout_s) == (30, 300)
    assert settings.restart.kind == "exponential"
    assert (settings.restart.delay_s, settings.restart.max_delay_s) == (10, 300)
    assert config.values["taskmanager.memory.process.size"] == "4gb"
    assert config.values["model"] == "small"


def test_nothing_given_changes_nothing() -> None:
    assert read_config({}).settings == Settings()


def test_restarts_need_checkpoints() -> None:
    assert read_config({"restart.strategy": "fixed-delay"}).settings.checkpoint_interval_s
    assert read_config({"checkpointing": "exactly_once"}).settings.checkpoint_interval_s
    assert read_config({"checkpointing": "none"}).settings.checkpoint_interval_s is None
    more = {"checkpoint.interval": "1s", "checkpoint.dir": "/there", "restart.strategy": "fixed"}
    for none in ("none", "None", False):
        off = read_config({"checkpointing": none, **more})
        assert off.settings.checkpoint_interval_s is None
        assert merged(off, {"restart.attempts": 3}).settings.checkpoint_interval_s is None
        on = merged(off, {"checkpointing": "exactly_once"})
        assert on.settings.checkpoint_interval_s == DEFAULT_INTERVAL_S


def test_every_key_is_described() -> None:
    assert all(key.doc for key in KEYS.values())


def test_functions_read_the_configuration() -> None:
    class Scaled(MapFunction[int, int]):
        def process(self, value: int) -> int:
            factor: int = self.context.get_config("factor")
            return value * factor

    env = LocalEnvironment(config={"parameters": {"factor": 3}})
    assert env.from_batch([1, 2]).map(Scaled).execute_and_collect() == [3, 6]


def test_overrides_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    env = LocalEnvironment(config={"parallelism": 2})
    assert (env.settings.parallelism, env.backend().name) == (2, "threads")
    monkeypatch.setenv("WEFT_KERNEL_ENV", "inline")
    monkeypatch.setenv("WEFT_KERNEL_PARALLELISM", "4")
    assert (env.settings.parallelism, env.backend().name) == (4, "inline")
    with overrides(env="local", parallelism=8):
        assert (env.settings.parallelism, env.backend().name) == (8, "threads")
    for name, value in (("WEFT_KERNEL_ENV", "moon"), ("WEFT_KERNEL_PARALLELISM", "-3")):
        monkeypatch.setenv(name, value)
        with pytest.raises(ProgramError, match=name):
            env.from_batch([1]).execute_and_collect()
        monkeypatch.delenv(name)


def test_a_ttl_is_in_seconds() -> None:
    class Held(ProcessFunction[int, int]):
        def open(self, context: FunctionContext) -> None:
            context.state.value("held", ttl_s="1h")  # type: ignore[arg-type]

        def process(self, value: int, context: FunctionContext) -> list[int]:
            return [value]

    held = LocalEnvironment().from_batch([1]).key_by(str).process(Held())
    with pytest.raises(WeftError, match="ttl_s of the state 'held' cannot be '1h'"):
        held.execute_and_collect()
