"""The example of a live flow: a log that grows becomes errors per minute."""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.engine.runs.streaming.live import CATALOGUE, Live
from weft_engine.compiler.check import check
from weft_engine.flow.file import read_file

EXAMPLE = Path(__file__).parents[4] / "examples" / "streams" / "errors_per_minute.yaml"


def line(clock: str, path: str, status: int) -> str:
    return f'192.0.2.1 - - [10/Mar/2025:{clock} +0000] "GET {path} HTTP/1.1" {status} 9 "-" "x"\n'


def test_it_has_no_problems() -> None:
    assert check(read_file(EXAMPLE), CATALOGUE) == []


def test_minutes_are_written_when_they_are_over(tmp_path: Path) -> None:
    log = tmp_path / "files" / "logs" / "access.log"
    log.parent.mkdir(parents=True)
    log.write_text(line("12:00:05", "/cart", 503) + line("12:00:10", "/", 200))
    flow: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    flow["checkpoint"] = {"interval_s": 0.1, "keep": 3}
    flow["nodes"]["minute"]["settings"] |= {"disorder": "1s", "quiet": "100ms"}
    live = Live(tmp_path, flow)
    live.until_out("text", "text", 2)
    with log.open("a") as file:
        file.write(line("12:00:50", "/cart", 500) + line("12:01:59", "/pay", 502))
    live.until_out("minute", "rows", 2)  # the second when it has been quiet for a while
    while not live.parts("errors_per_minute").count("\n") >= 2:
        live.until_type("checkpoint_completed")
    live.cancel()
    rows = [json.loads(each) for each in live.parts("errors_per_minute").splitlines()]
    assert [(row["path"], row["window_start"], row["errors"]) for row in rows] == [
        ("/cart", "2025-03-10T12:00:00Z", 2),
        ("/pay", "2025-03-10T12:01:00Z", 1),
    ]
