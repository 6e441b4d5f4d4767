"""What a program's configuration means: known keys, nested sections, values as people write them.

`KEYS` has every key with what it allows. Sections only save typing: `{"state": {"backend": …}}` is
`state.backend`, and `{"execution": {"parallelism": 8}}` is `parallelism`. What a program's own
functions are to read with `context.get_config` stands in the section `parameters`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import urlsplit

from weft_engine.kernel.durations import milliseconds, seconds
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.settings import Settings

DEFAULT_INTERVAL_S: Final = 10.0
"""How often checkpoints are made where they are wanted and nothing says how often."""
PARAMETERS: Final = "parameters"
ALIASES: Final = {"incremental": "state.incremental"}
SECTIONS: Final = frozenset({"execution", "resources"})
"""Sections beside the beginnings of keys: any key may stand in them."""
_MOST_GROUPS: Final = 2**15


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the configuration."""

    read: Callable[[Any], Any]
    """Turns a value into what the settings hold; ValueError says what is allowed."""
    field: str = ""
    """The field of `Settings`; with `restart.` before it, one of `Restart`. None when empty: the
    value is only kept for backends and functions to read."""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration that has been read."""

    settings: Settings = field(default_factory=Settings)
    values: Mapping[str, Any] = field(default_factory=dict)
    """What was given, by full key, and the program's own parameters."""


def read_config(
    given: Mapping[str, Any],
    base: Settings | None = None,
    before: Mapping[str, Any] | None = None,
) -> Config:
    """Read a configuration.

    Args:
        given: Keys and values, or sections of them.
        base: What holds for keys that are not given.
        before: The keys and values that the base was made of.

    Raises:
        ProgramError: `config.unknown_key` or `config.bad_value`.
    """
    own = given.get(PARAMETERS, {})
    if not isinstance(own, Mapping):
        raise _bad(PARAMETERS, own, "a dict of names and values")
    flat = _each_once(_flatten({k: v for k, v in given.items() if k != PARAMETERS}))
    changes: dict[str, Any] = {}
    restart: dict[str, Any] = {}
    for name, value in flat.items():
        key = KEYS[name]
        found = _read(name, key, value)
        if key.field.startswith("restart."):
            restart[key.field.removeprefix("restart.")] = found
        elif key.field:
            changes[key.field] = found
    settings = replace(base or Settings(), **changes)
    if restart:
        settings = replace(settings, restart=replace(settings.restart, **restart))
    if _wants_none({**(before or {}), **flat}):
        settings = replace(settings, checkpoint_interval_s=None)
    elif _wants_checkpoints(flat, settings) and settings.checkpoint_interval_s is None:
        settings = replace(settings, checkpoint_interval_s=DEFAULT_INTERVAL_S)
    return Config(settings, {**flat, **own})


def merged(config: Config, given: Mapping[str, Any]) -> Config:
    """A configuration with some keys changed.

    Raises:
        ProgramError: `config.unknown_key` or `config.bad_value`.
    """
    more = read_config(given, config.settings, config.values)
    return Config(more.settings, {**config.values, **more.values})


def _wants_none(values: Mapping[str, Any]) -> bool:
    """Whether it says that there are to be no checkpoints, whatever else it says of them."""
    return str(values.get("checkpointing", "")).lower() in ("none", "false")


def _wants_checkpoints(flat: Mapping[str, Any], settings: Settings) -> bool:
    return "checkpointing" in flat or "checkpoint.dir" in flat or settings.restart.kind != "none"


def _each_once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ProgramError(
                f"the configuration says twice what {name} is",
                code="config.bad_value",
                hint="Give it once: in a section, by its full name, or by its short one.",
                params={"key": name},
            )
        found[name] = value
    return found


def _flatten(given: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in given.items():
        inner = f"{section}.{name}" if section and section not in SECTIONS else str(name)
        if isinstance(value, Mapping) and _is_section(inner):
            yield from _flatten(value, inner)
        else:
            yield _known(str(name), section), value


def _is_section(name: str) -> bool:
    return name in SECTIONS or any(key.startswith(f"{name}.") for key in KEYS)


def _known(name: str, section: str = "") -> str:
    """The full key that a name means.

    Raises:
        ProgramError: when it means none.
    """
    full = f"{section}.{name}" if section else name
    for key in (full, name):
        if (key := ALIASES.get(key, key)) in KEYS:
            return key
    near = get_close_matches(full, KEYS, 1) or get_close_matches(name, KEYS, 1)
    guess = f"Did you mean {near[0]!r}? " if near else ""
    raise ProgramError(
        f"the configuration key {full!r} means nothing",
        code="config.unknown_key",
        hint=f"{guess}Values for your own functions go under "
        f"{PARAMETERS!r}: {{{PARAMETERS!r}: {{{name!r}: …}}}}.",
        params={"key": full, "nearest": near[0] if near else None},
    )


def _read(name: str, key: Key, value: Any) -> Any:
    try:
        return key.read(value)
    except (ValueError, TypeError, ProgramError) as exc:
        raise _bad(name, value, exc.hint if isinstance(exc, ProgramError) else str(exc)) from exc


def _bad(name: str, value: Any, allowed: str) -> ProgramError:
    return ProgramError(
        f"the configuration has {name} = {value!r}",
        code="config.bad_value",
        hint=f"Allowed: {allowed}",
        params={"key": name},
    )


# How values are read


def _number(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        try:
            found = int(value) if isinstance(value, str) else value
        except ValueError:
            found = None
        if isinstance(found, bool) or not isinstance(found, int) or found < least:
            raise ValueError(f"a whole number from {least} on")
        return found

    return read


def _port(value: Any) -> int:
    found = _number(0)(value)
    if found > 65_535:
        raise ValueError("a port, from 0 to 65535")
    return found


def _address(value: Any) -> str:
    parts = urlsplit(str(value))
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError("http://host:port; credentials go into OTEL_EXPORTER_OTLP_HEADERS")
    return str(value)


def _groups(value: Any) -> int:
    try:
        found = _number(1)(value)
    except ValueError:
        found = 0
    if not found or found > _MOST_GROUPS or found & (found - 1):
        raise ValueError(f"a power of two up to {_MOST_GROUPS}, such as 128")
    return found


def _flag(value: Any) -> bool:
    words = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
    found = words.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise ValueError("true or false")
    return found


def _text(value: Any) -> str:
    text = "" if value is None else str(value)
    if not text:
        raise ValueError("a text that is not empty")
    return text


def _one_of(words: Mapping[str, Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        word = str(value).lower().replace("-", "_")
        if word not in words:
            raise ValueError(", ".join(sorted(words)))
        return words[word]

    return read


def _seconds(value: Any) -> float:
    return seconds(value, least=0)


def _some_seconds(value: Any) -> float:
    return seconds(value, least=1)


def _factor(least: float, most: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        try:
            found = -1.0 if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            found = -1.0
        if not least <= found <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return found

    return read


_BYTES: Final = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def read_bytes(value: Any) -> int:
    """A size in bytes, also as text: `64mb`, `4gb`, `512k`.

    Raises:
        ValueError: when it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    text = str(value).strip().lower().removesuffix("ib").removesuffix("b")
    number = text.rstrip("kmgt")
    try:
        found = float(number) * _BYTES[text[len(number) :]]
    except (ValueError, KeyError):
        found = 0
    if isinstance(value, bool) or not 0 < found < float("inf"):
        raise ValueError("bytes, or text such as 512mb or 4gb")
    return int(found)


def _cores(value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = 0.0
    if isinstance(value, bool) or not 0 < found < float("inf"):
        raise ValueError("a number of cores above 0")
    return found


_MODES: Final = {
    "exactly_once": "exactly_once",
    "at_least_once": "at_least_once",
    "none": "exactly_once",
    "false": "exactly_once",
    "true": "exactly_once",
}
_BACKENDS: Final = {
    "heap": "heap",
    "hashmap": "heap",
    "memory": "heap",
    "disk": "disk",
    "rocksdb": "disk",
    "sqlite": "disk",
}
_RESTARTS: Final = {
    "none": "none",
    "off": "none",
    "fixed": "fixed",
    "fixed_delay": "fixed",
    "exponential": "exponential",
    "exponential_delay": "exponential",
    "failure_rate": "failure_rate",
}
_LEVELS: Final = {w.lower(): w for w in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")}

KEYS: Final[Mapping[str, Key]] = {
    "parallelism": Key(_number(1), "parallelism", "As how many subtasks operators run."),
    "batch.size": Key(_number(1), "batch_size", "The longest list of records that moves at once."),
    "buffer.timeout": Key(
        milliseconds, "linger_ms", "How long records may be held back to make lists longer."
    ),
    "object.reuse": Key(
        _flag, "object_reuse", "Whether records are handed on as they are instead of copied."
    ),
    "queue.records": Key(
        _number(1), "queue_records", "How many records a channel holds before its sender waits."
    ),
    "queue.bytes": Key(
        read_bytes, "queue_bytes", "About how many bytes a channel holds before its sender waits."
    ),
    "key.groups": Key(
        _groups, "key_groups", "Into how many groups keys are divided: bounds parallelism."
    ),
    "chaining": Key(_flag, "chaining", "Whether neighbours run in one thread."),
    "seed": Key(_number(0), "seed", "In which order the inline backend lets subtasks take turns."),
    "workers": Key(_number(1), "workers", "How many processes or actors there are."),
    "checkpointing": Key(
        _one_of(_MODES),
        "checkpoint_mode",
        "How barriers align; none: no checkpoints but savepoints.",
    ),
    "checkpoint.interval": Key(
        _some_seconds, "checkpoint_interval_s", "How often a checkpoint is made."
    ),
    "checkpoint.min_pause": Key(
        _seconds, "checkpoint_min_pause_s", "The least time between two checkpoints."
    ),
    "checkpoint.timeout": Key(
        _some_seconds, "checkpoint_timeout_s", "After how long a checkpoint is given up."
    ),
    "checkpoint.tolerable_failures": Key(
        _number(0), "checkpoint_tolerable_failures", "How many may fail in a row."
    ),
    "checkpoint.dir": Key(_text, "checkpoint_dir", "The folder that checkpoints are kept in."),
    "checkpoint.keep": Key(_number(1), "checkpoint_keep", "How many checkpoints are kept."),
    "state.incremental": Key(
        _flag, "incremental", "Whether checkpoints hold only what has changed since the last."
    ),
    "state.full_every": Key(
        _number(1), "full_every", "After how many incremental checkpoints a full one is made."
    ),
    "state.backend": Key(
        _one_of(_BACKENDS), "state_backend", "Where state is: heap, or disk (also: rocksdb)."
    ),
    "state.dir": Key(_text, "state_dir", "The folder of the disk backend's files."),
    "restart.strategy": Key(
        _one_of(_RESTARTS), "restart.kind", "Whether and when a failed job starts again."
    ),
    "restart.attempts": Key(_number(0), "restart.attempts", "How often it starts again."),
    "restart.delay": Key(_seconds, "restart.delay_s", "How long it waits before."),
    "restart.max_delay": Key(_seconds, "restart.max_delay_s", "The longest it waits before."),
    "restart.backoff": Key(_factor(1, 100), "restart.backoff", "By how much the wait grows."),
    "restart.jitter": Key(_factor(0, 1), "restart.jitter", "By which share the wait varies."),
    "restart.interval": Key(
        _some_seconds, "restart.interval_s", "Over which time failures are counted."
    ),
    "tracing": Key(
        _flag, "tracing", "Whether batches are traced: their waiting, and the time of operators."
    ),
    "trace.every": Key(_number(1), "trace_every", "Which batches are traced: each of that many."),
    "metrics.interval": Key(
        _some_seconds, "metrics_interval_s", "How often counters are reported."
    ),
    "metrics.port": Key(
        _port, "metrics_port", "Where Prometheus finds metrics, on this machine only; 0: any port."
    ),
    "otel.endpoint": Key(
        _address, "otel_endpoint", "The OpenTelemetry collector to send metrics and spans to."
    ),
    "status.dir": Key(
        _text, "status_dir", "The folder in which jobs say how they do, for `weft monitor`."
    ),
    "log.level": Key(_one_of(_LEVELS), "log_level", "What is logged: DEBUG, INFO and so on."),
    "taskmanager.memory.process.size": Key(
        read_bytes, "", "How much memory a worker is meant to have; only recorded."
    ),
    "taskmanager.cpu.cores": Key(
        _cores,
        "",
        "How many cores an actor asks Ray for (`RemoteEnvironment`); else only recorded.",
    ),
}
"""Every key that is known."""
