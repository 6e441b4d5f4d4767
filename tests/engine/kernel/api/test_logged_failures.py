"""What is logged of records that a program lives without."""

import pytest

from weft_engine.kernel import LocalEnvironment


def test_the_operator_is_named_and_the_log_stays_short(caplog: pytest.LogCaptureFixture) -> None:
    env = LocalEnvironment("careful", backend="inline")
    broken = env.from_collection(range(1000)).map(lambda n: n // 0, name="divide").on_error("skip")
    assert broken.execute_and_collect() == []
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("the operator 'divide' failed on the record 0: ZeroDivisionError: ")
    assert lines[9].endswith("; from now on such records are only counted")
    assert lines[10:] == [
        f"the operator 'divide' has failed on {count} records so far" for count in (100, 1000)
    ]
