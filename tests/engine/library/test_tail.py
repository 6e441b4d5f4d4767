"""Files that grow and are rotated: each line once, in order, also when nobody looked."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from weft_engine.library import stream_tail_files
from weft_engine.library.stream_tail_files import Tails


class Log:
    """A file with numbered lines, and somebody who follows it."""

    def __init__(self, folder: Path, pattern: str) -> None:
        self.folder = folder
        self.path = folder / "app.log"
        self.pattern = str(folder / pattern)
        self.written = 0
        self.seen: list[int] = []
        self.tails: Tails | None = None
        self.position: Any = None
        self.path.write_text("")
        self.follow()

    def write(self, count: int = 1) -> None:
        with self.path.open("a") as file:
            for _ in range(count):
                file.write(f"{self.written} {'x' * (self.written % 90)}\n")
                self.written += 1

    def follow(self) -> None:
        self.tails = Tails(self.pattern, "start", None, self.position, skip_empty=True)

    def read(self, limit: int = 1000) -> None:
        assert self.tails is not None
        self.tails._next_look = 0.0  # as if half a second had passed
        self.seen += [int(row["text"].split()[0]) for row in self.tails.read(limit)]
        self.position = self.tails.position()

    def leave(self) -> None:
        """Stop looking, as a restart does."""
        assert self.tails is not None
        self.position = self.tails.position()
        self.tails.close()

    def rename(self) -> None:
        """As logrotate does with `create`."""
        self._shift()
        self.path.rename(self.folder / "app.log.1")
        self.path.write_text("")

    def copy_and_empty(self) -> None:
        """As logrotate does with `copytruncate`."""
        self._shift()
        shutil.copyfile(self.path, self.folder / "app.log.1")
        os.truncate(self.path, 0)

    def _shift(self) -> None:
        for number in range(8, 0, -1):
            old = self.folder / f"app.log.{number}"
            if old.exists():
                old.rename(self.folder / f"app.log.{number + 1}")

    def exact(self) -> None:
        for _ in range(4):
            self.read()
        assert self.seen == list(range(self.written))


@pytest.fixture(params=["app.log", "app.log*"])
def log(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Log]:
    made = Log(tmp_path, request.param)
    yield made
    made.leave()


ROTATIONS: dict[str, Callable[[Log], None]] = {
    "renamed": Log.rename,
    "copied and emptied": Log.copy_and_empty,
}


@pytest.fixture(params=sorted(ROTATIONS))
def rotate(request: pytest.FixtureRequest) -> Callable[[Log], None]:
    return ROTATIONS[request.param]


def test_rotated_while_it_is_followed(log: Log, rotate: Callable[[Log], None]) -> None:
    for _ in range(5):
        log.write(7)
        log.read()
        log.write(5)  # not read before it is rotated
        rotate(log)
        log.read()
        log.write(3)
    log.exact()


def test_rotated_while_nobody_looks(log: Log, rotate: Callable[[Log], None]) -> None:
    for _ in range(4):
        log.write(9)
        log.read(4)
        log.leave()
        log.write(6)
        rotate(log)
        log.write(2)
        log.follow()
        for _ in range(3):
            log.read()
    log.exact()


def test_grown_again_beyond_the_place_before_anybody_looked(log: Log) -> None:
    log.write(3)
    log.read()
    log.copy_and_empty()
    log.write(40)
    log.exact()


def test_the_writer_goes_on_in_the_renamed_file(log: Log) -> None:
    log.write(4)
    log.read()
    with log.path.open("a") as still:
        log.rename()
        log.read()
        still.write(f"{log.written} late\n")
        log.written += 1
        still.flush()
        log.read()
    log.write(2)
    log.exact()


def test_a_line_without_end_counts_once_its_file_is_left(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write(2)
    with log.path.open("a") as file:
        file.write("2 half")
    log.read()
    assert log.seen == [0, 1]
    log.rename()
    log.read()
    assert log.seen == [0, 1]
    monkeypatch.setattr(stream_tail_files, "QUIET_S", 0.0)
    log.read()
    log.read()
    assert log.seen == [0, 1, 2]
    assert log.tails is not None
    assert not log.tails._old
    assert not [name for name in log.tails.position() if "//" in name]


def test_removed_and_made_anew(log: Log) -> None:
    log.write(5)
    log.read(2)
    log.path.unlink()
    log.read()
    log.write(3)
    log.exact()


def test_files_that_begin_alike_are_all_read(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("id,name\n")
    tails = Tails(str(tmp_path / "*.csv"), "start", None, None, skip_empty=True)
    assert len(tails.read(100)) == 2
    (tmp_path / "c.csv").write_text("id,name\n1,ann\n")
    tails._next_look = 0.0
    assert [row["text"] for row in tails.read(100)] == ["id,name", "1,ann"]
    tails.close()


def test_a_position_of_an_earlier_version_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("one\ntwo\n")
    position = {str(path): (path.stat().st_ino, 4)}
    tails = Tails(str(path), "start", None, position, skip_empty=True)
    assert [row["text"] for row in tails.read(100)] == ["two"]
    tails.close()


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    log = Log(tmp_path, chance.choice(["app.log", "app.log*"]))
    for _ in range(60):
        match chance.randrange(5):
            case 0 | 1:
                log.write(chance.randrange(1, 9))
            case 2:
                log.read(chance.randrange(1, 20))
            case 3:
                log.leave()
                log.follow()
            case _:
                # Of what is copied and emptied before anybody has read of it, nothing is known.
                log.write()
                for _ in range(3):
                    log.read()
                log.write(chance.randrange(3))
                chance.choice(list(ROTATIONS.values()))(log)
                log.read()
    log.exact()
    log.leave()
