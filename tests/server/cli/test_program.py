"""`weft run pipeline.py` and `weft monitor`, as people run them."""

import csv
import json
import re
import signal
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.server.cli.weft import ROOT, Outcome, start, weft

BAD = """\
from weft_engine.kernel import LocalEnvironment

def parse(record):
    return int(record["n"])

env = LocalEnvironment("bad")
records = [{"n": "1"}, {"n": "two", "password": "hunter2"}]
env.from_collection(records).map(parse, name="parse").print()
env.submit()
"""
ENDLESS = """\
import sys
from weft_engine.kernel import LocalEnvironment, ProcessFunction

class Sum(ProcessFunction):
    def open(self, context):
        self.held = context.state.value("sum", 0)

    def process(self, record, context):
        self.held.update(self.held.value() + 1)
        return [self.held.value()]

env = LocalEnvironment("endless", {"metrics.interval": "50ms"})
ticks = env.from_ticks("5ms").map(lambda x: 1 // x, name="divide").on_error("skip")
ticks.key_by(lambda x: 0).process(Sum, name="sum", uid="sum").print()
job = env.submit()
"""


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(tmp_path / "state")}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pipeline.py"
    path.write_text(text)
    return path


def test_the_hours_of_a_log(state: dict[str, str]) -> None:
    outcome = weft("run", "examples/pipelines/busy_hours.py", **state)
    assert outcome.code == 0, outcome.err
    hours: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    lines = (ROOT / "examples/data/access.log").read_text().splitlines()
    for line in lines:
        found = re.search(r"\[(\d+)/Mar/(\d+):(\d+)", line)
        if found is None:
            continue  # it is damaged
        day, year, hour = found.groups()
        hours[f"{year}-03-{day} {hour}:00"][0] += 1
        hours[f"{year}-03-{day} {hour}:00"][1] += line.split('"')[2].split()[0] >= "500"
    told = {
        line[:16]: [int(n) for n in re.findall(r"\d+", line[16:])]
        for line in outcome.out.splitlines()
    }
    assert sum(count for count, _ in told.values()) == sum(count for count, _ in hours.values())
    assert told == dict(hours)
    assert "busy hours: finished" in outcome.err
    assert f"{len(lines):,} records" in outcome.err


@pytest.mark.parametrize("env", ["local", "processes"])
def test_sales_with_arguments_of_its_own(tmp_path: Path, state: dict[str, str], env: str) -> None:
    words = ["run", "examples/pipelines/sales_by_region.py", "--env", env, "--parallelism", "2"]
    folder = tmp_path / "totals"
    outcome = weft(*words, "--", "examples/data/sales.csv", str(folder), **state)
    assert outcome.code == 0, outcome.err
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with (ROOT / "examples/data/sales.csv").open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if int(row["quantity"]) > 0:
                expected[row["region"], row["category"]] += Decimal(row["amount"])
    lines = [line for part in folder.glob("part-*") for line in part.read_text().splitlines()]
    rows = [json.loads(line) for line in lines]
    assert {(r["region"], r["category"]): Decimal(r["revenue"]) for r in rows} == expected
    assert len(rows) == len(expected)
    (job,) = weft("monitor", "jobs", "--json", **state).json()
    assert (job["state"], job["backend"]) == ("finished", {"local": "threads"}.get(env, env))
    assert {stage["parallelism"] for stage in job["plan"]["stages"]} >= {2}


@pytest.mark.parametrize("env", ["local", "processes"])
def test_a_failure_names_everything_but_secrets(
    tmp_path: Path, state: dict[str, str], env: str
) -> None:
    path = written(tmp_path, BAD)
    outcome = weft("run", path, "--env", env, **state)
    assert outcome.code == 1
    for part in ("bad: failed", "parse", f"{path}:4 (parse)", "'n': 'two'", "ValueError: invalid"):
        assert part in outcome.err, outcome.err
    assert "Traceback" not in outcome.err
    assert "hunter2" not in outcome.err
    assert weft("monitor", "jobs", "--json", **state).json()[0]["state"] == "failed"
    debugged = weft("run", path, "--env", env, "--debug", **state)
    assert debugged.code == 1
    assert "Traceback" in debugged.err


def test_failures_in_chinese(tmp_path: Path, state: dict[str, str]) -> None:
    outcome = weft("run", written(tmp_path, BAD), "--lang", "zh", **state)
    assert "原因: ValueError" in outcome.err


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("print('hello')", 2, "program.not_submitted"),
        ("x = 1\nx.nothing", 1, "pipeline.py:2: AttributeError"),
        ("def f(:", 1, "pipeline.py:1: SyntaxError"),
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit('no luck')", 1, "no luck"),
        (
            "from weft_engine.kernel import LocalEnvironment\nLocalEnvironment('x', {'nope': 1})",
            2,
            "config.unknown_key",
        ),
        ("import helper, sys\nsys.exit(helper.CODE)", 9, ""),
        ("import sys\nassert __name__ == '__main__' and sys.argv[1:] == ['--a', 'b'], sys.argv\n"
         "sys.exit(5)", 5, ""),
    ],
)  # fmt: skip
def test_programs_without_jobs(
    tmp_path: Path, state: dict[str, str], text: str, code: int, said: str
) -> None:
    (tmp_path / "helper.py").write_text("CODE = 9")
    outcome = weft("run", written(tmp_path, text), "--", "--a", "b", **state)
    assert outcome.code == code, outcome.err
    assert said in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.py"], "file.not_found"),
        (["examples/pipelines/load_watch.py", "--resume", "latest"], "checkpoint.no_storage"),
        (["examples/pipelines/load_watch.py", "--json"], "--json is for flows only"),
        (["examples/pipelines/load_watch.py", "--checkpoint-interval", "soon"], "soon"),
        (["examples/sales_report.yaml", "--resume", "latest"], "run.needs_data"),
        (["examples/sales_report.yaml", "--", "x"], "-- is for streaming"),
    ],
)
def test_what_cannot_be_run(words: list[str], said: str, state: dict[str, str]) -> None:
    outcome = weft("run", *words, **state)
    assert outcome.code == 2
    assert said in outcome.err


class Running:
    """A program without end at work."""

    def __init__(self, tmp_path: Path, *words: str, env: str = "local") -> None:
        self.path = written(tmp_path, ENDLESS)
        self.state = {"XDG_STATE_HOME": str(tmp_path / "state")}
        self.process = start("run", self.path, "--env", env, *words, **self.state)
        self.first = self.line()

    def line(self) -> int:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, self.process.communicate()[1]
        return int(text)

    def monitor(self, *words: str) -> Outcome:
        return weft("monitor", *words, **self.state)

    def job(self) -> dict[str, Any]:
        found: dict[str, Any] = self.monitor("jobs", "--json").json()[0]
        return found

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


@pytest.mark.parametrize("env", ["local", "processes"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_cancel(tmp_path: Path, env: str, number: int, code: int) -> None:
    running = Running(tmp_path, env=env)
    assert running.job()["state"] == "running"
    ended, err = running.end(number)
    assert ended == code
    assert "endless: cancelled" in err
    assert "Traceback" not in err
    assert running.job()["state"] == "cancelled"


def test_it_goes_on_from_its_checkpoints(tmp_path: Path) -> None:
    words = ["--checkpoint-dir", str(tmp_path / "kept"), "--checkpoint-interval", "30ms"]
    first = Running(tmp_path, *words)
    assert first.first == 1
    while first.line() < 50:
        pass
    first.end(signal.SIGTERM)
    second = Running(tmp_path, *words, "--resume", "latest")
    second.end(signal.SIGTERM)
    assert second.first > 1
    third = Running(tmp_path, *words)
    third.end(signal.SIGTERM)
    assert third.first == 1


def test_it_is_watched(tmp_path: Path) -> None:
    running = Running(tmp_path)
    try:
        while running.monitor("metrics", "--json").code:
            pass  # it has not reported yet
        name = running.job()["id"]
        assert running.job()["pid"] == running.process.pid
        found = running.monitor("metrics", "--json", "--job", name).json()
        assert (found["job"], found["state"]) == ("endless", "running")
        table = running.monitor("metrics", "--job", "endless")
        assert [line.split()[0] for line in table.out.splitlines()[-4:]] == [
            "source", "divide", "sum", "print",
        ]  # fmt: skip
        text = running.monitor("metrics", "--prometheus").out
        assert 'weft_record_errors_total{job="endless"' in text
        assert "一" not in table.out
        assert "算子" in running.monitor("metrics", "--lang", "zh").out
        logs = running.monitor("logs", "--tail", "5")
        assert "WARNING divide[0] " in logs.out
        assert "ZeroDivisionError" in logs.out
        line = running.monitor("logs", "--json").out.splitlines()[-1]
        assert json.loads(line)["job"] == name
        live = start("monitor", "metrics", "--live", "--json", **running.state)
        follow = start("monitor", "logs", "--follow", **running.state)
        assert live.stdout is not None
        counts = [json.loads(live.stdout.readline())["records_in"] for _ in range(3)]
        assert counts == sorted(counts)
        assert counts[0] < counts[2]
    finally:
        running.end(signal.SIGTERM)
    rest = live.communicate(timeout=60)[0]
    assert json.loads(rest.splitlines()[-1])["state"] == "cancelled"
    assert live.returncode == 0
    assert "divide[0]" in follow.communicate(timeout=60)[0]
    assert follow.returncode == 0


def test_a_killed_one_is_lost(tmp_path: Path) -> None:
    running = Running(tmp_path)
    running.process.kill()
    running.process.communicate()
    assert running.job()["state"] == "lost"
    assert "lost" in running.monitor("jobs").out


def test_there_is_nothing_to_watch(state: dict[str, str]) -> None:
    assert weft("monitor", "jobs", **state).out == "There are no jobs.\n"
    assert weft("monitor", "jobs", "--json", **state).json() == []
    assert weft("monitor", "metrics", **state).code == 1
    missing = weft("monitor", "logs", "--job", "nobody", **state)
    assert (missing.code, missing.err) == (1, "There is no job 'nobody'.\n")


def test_whoever_reads_may_stop(state: dict[str, str]) -> None:
    process = start("run", "examples/pipelines/busy_hours.py", **state)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 1
    assert "Traceback" not in err


def test_the_server_knows_nothing_of_it() -> None:
    code = (
        "import sys, weft_server.app, weft_server.cli.main; print([m for m in sys.modules if m in "
        "('weft_server.cli.program', 'weft_server.cli.monitor', 'weft_engine.kernel.telemetry')])"
    )
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.strip() == "[]"
