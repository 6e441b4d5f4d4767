"""What jobs log."""

import json
import logging

import pytest

from weft_engine.kernel import LocalEnvironment
from weft_engine.kernel.logs import JsonLines, OperatorLog, RecordErrors


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("weft", logging.WARNING, "", 0, message, args, None)
    made.__dict__.update(extra)
    return made


def test_a_line_says_where_it_comes_from() -> None:
    line = JsonLines().format(record("%d\nlines — 两行", 2, job="j-1", operator="map", subtask=0))
    assert "\n" not in line
    found = json.loads(line)
    assert found["message"] == "2\nlines — 两行"
    assert (found["job"], found["operator"], found["subtask"]) == ("j-1", "map", 0)
    assert (found["level"], found["logger"]) == ("WARNING", "weft")
    assert "attempt" not in found
    assert found["time"].endswith("+00:00")


def test_passwords_of_addresses_are_hidden() -> None:
    line = JsonLines().format(record("cannot reach postgres://ann:hunter2@db/x"))
    assert "hunter2" not in line
    assert "db/x" in line


def test_an_error_is_told() -> None:
    made = record("failed")
    try:
        raise KeyError("no such thing")
    except KeyError as error:
        made.exc_info = (KeyError, error, error.__traceback__)
    found = json.loads(JsonLines().format(made))
    assert found["error"]["type"] == "KeyError"
    assert "test_an_error_is_told" in found["traceback"]


def test_what_the_caller_adds_is_kept() -> None:
    adapter = OperatorLog(logging.getLogger("x"), {"job": "j", "operator": "map"})
    _, kwargs = adapter.process("m", {"extra": {"operator": "own", "more": 1}})
    assert kwargs["extra"] == {"job": "j", "operator": "own", "more": 1}


def test_record_errors_are_told_of_seldom(caplog: pytest.LogCaptureFixture) -> None:
    adapter = OperatorLog(logging.getLogger("weft_engine.kernel.job"), {"operator": "map"})
    errors = RecordErrors(adapter, first=3)
    for number in range(1000):
        errors.failed(ValueError("bad"), {"n": number, "password": "hunter2"})
    messages = [each.getMessage() for each in caplog.records]
    assert len(messages) == 3 + 2
    assert "'n': 0" in messages[0]
    assert "hunter2" not in "".join(messages)
    assert messages[2].endswith("only counted")
    assert all(f" {n} " in message for n, message in zip((30, 300), messages[3:], strict=True))
    assert errors.count == 1000


def test_a_job_with_bad_records_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    env = LocalEnvironment("bad")
    env.from_collection(range(5000)).map(lambda x: 1 // (x % 2)).on_error("skip").collect()
    job = env.submit()
    assert job.metrics().operator("map").errors == 2500
    mine = [each for each in caplog.records if each.name == "weft_engine.kernel.job"]
    assert 0 < len(mine) < 20
    assert {(each.operator, each.subtask, each.attempt, each.job) for each in mine} == {  # type: ignore[attr-defined]
        ("map", 0, 0, job.id)
    }
