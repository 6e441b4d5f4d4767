"""A run of thirty nodes is killed at forty points and goes on: effects once, nothing done again."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from tests.engine.runs.engine.killed_child import CHILD, FLOW, RUN, outside
from weft_engine.runs.journal.sqlite import SqliteJournal

ROOT = Path(__file__).parents[4]
POINTS = 40
KILLED = -9

Place = str
"""`path@scope` of an activation."""


@dataclass
class Lives:
    """The process whose forks live through runs."""

    process: subprocess.Popen[str]

    def live(self, folder: Path, at: int = 0, *, resume: bool = False) -> int:
        """How the life ended: 0, or `KILLED`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"folder": str(folder), "at": at, "resume": resume}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@dataclass
class Whole:
    """A run that nobody killed."""

    told: dict[str, Any]
    starts: Counter[Place]
    effects: list[Place]


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.engine.runs.engine.killed_child"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Lives(process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def whole(lives: Lives, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    assert lives.live(folder) == 0
    return Whole(told(folder), Counter(starts(folder)), effects(folder))


def told(folder: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((folder / "result.json").read_text()))


def starts(folder: Path, since: int = 0) -> list[Place]:
    """The activations that were started, in order."""
    file = folder / "starts"
    return file.read_text().split()[since:] if file.exists() else []


def effects(folder: Path) -> list[Place]:
    """What the service outside was asked for, each under a key of its own."""
    with closing(outside(folder)) as link:
        return sorted(place for (place,) in link.execute("SELECT place FROM done"))


def finished(folder: Path) -> set[Place]:
    """The activations of which the journal has the end."""
    with closing(SqliteJournal(folder / "journal.sqlite3")) as store:
        rows = [("", row) for row in store.steps(RUN)]
        rows += [("apart/", row) for row in store.steps(CHILD)]
    return {
        f"{prefix}{row.node}@{row.scope}"
        for prefix, row in rows
        if row.kind == "node" and row.state != "started"
    }


def test_the_run_has_what_it_is_to_have(whole: Whole) -> None:
    assert whole.told["state"] == "completed"
    assert len(FLOW.nodes) >= 30
    assert len(whole.effects) == len(set(whole.effects)) == 37
    assert set(whole.starts) >= set(whole.effects)
    twice = {place for place, count in whole.starts.items() if count > 1}
    assert twice == {"a3@", "call/s3@call:0", "apart/s3@"}  # they fail the first time


@pytest.mark.parametrize("number", range(POINTS))
def test_killed_and_resumed(number: int, lives: Lives, whole: Whole, tmp_path: Path) -> None:
    chance = random.Random(number)
    # Each point lies by chance in a stretch of its own: together they cover the run.
    wide = 0.97 * whole.told["points"] / POINTS  # how many there are varies a little
    at = max(1, int(number * wide + chance.random() * wide))
    assert lives.live(tmp_path, at) == KILLED
    kills = 1
    while True:
        done, begun = finished(tmp_path), len(starts(tmp_path))
        again = chance.randrange(1, 60) if kills < 3 and chance.random() < 0.3 else 0
        ended = lives.live(tmp_path, again, resume=True)
        assert done.isdisjoint(starts(tmp_path, begun))
        if ended == 0:
            break
        assert ended == KILLED
        kills += 1
    result = told(tmp_path)
    assert result["state"] == "completed"
    assert result["outputs"] == whole.told["outputs"]
    assert effects(tmp_path) == whole.effects
    assert set(starts(tmp_path)) == set(whole.starts)
