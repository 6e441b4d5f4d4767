"""Group commit, on a real database."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import Session

from weft_server.database import Database
from weft_server.errors import StorageError
from weft_server.runs.journal import Journal, Work


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    with database.transaction() as session:
        session.connection().execute(text("CREATE TABLE line (number INTEGER PRIMARY KEY)"))
    yield database
    database.close()


@pytest.fixture
def commits(database: Database) -> list[int]:
    """Grows by one with every commit."""
    seen: list[int] = []
    event.listen(database.engine, "commit", lambda _connection: seen.append(1))
    return seen


def line(number: int) -> Callable[[Session], int]:
    def work(session: Session) -> int:
        statement = text("INSERT INTO line VALUES (:number)")
        session.connection().execute(statement, {"number": number})
        return number

    return work


def lines(database: Database) -> list[int]:
    with database.read() as session:
        found = session.connection().execute(text("SELECT number FROM line ORDER BY rowid"))
        return [number for (number,) in found]


class Told(list[Any]):
    """What writes were told."""

    def __init__(self) -> None:
        self.some = asyncio.Event()


class Noted:
    """A write that notes what it is told."""

    def __init__(self, work: Work, told: Told) -> None:
        self._work = work
        self._told = told

    def begin(self) -> Work:
        return self._work

    def finish(self, result: Any, error: Exception | None) -> None:
        self._told.append(result if error is None else type(error).__name__)
        self._told.some.set()


def test_writes_that_wait_share_one_commit(database: Database, commits: list[int]) -> None:
    async def work() -> list[int]:
        journal = Journal(database)
        numbers = await asyncio.gather(*(journal.write(line(n)) for n in range(50)))
        await journal.close()
        return numbers

    assert asyncio.run(work()) == list(range(50))
    assert lines(database) == list(range(50))
    assert len(commits) <= 2


def test_a_write_is_on_disk_when_it_answers(database: Database) -> None:
    async def work() -> None:
        journal = Journal(database)
        for number in range(5):
            await journal.write(line(number))
            assert lines(database)[-1] == number
        await journal.close()

    asyncio.run(work())


def test_a_write_that_fails_fails_alone(database: Database) -> None:
    async def work() -> list[Any]:
        journal = Journal(database)
        writes = [journal.write(line(number)) for number in (1, 2, 2, 3)]
        answers = await asyncio.gather(*writes, return_exceptions=True)
        await journal.close()
        return answers

    answers = asyncio.run(work())
    assert [answer for answer in answers if not isinstance(answer, Exception)] == [1, 2, 3]
    assert lines(database) == [1, 2, 3]


def test_writes_nobody_waits_for_go_with_the_next(database: Database, commits: list[int]) -> None:
    told = Told()

    async def work() -> None:
        journal = Journal(database)
        for number in range(3):
            journal.submit(Noted(line(number), told))
        await journal.write(line(3))
        assert told == [0, 1, 2]
        await journal.close()

    asyncio.run(work())
    assert len(commits) == 1


def test_writes_nobody_waits_for_go_soon(database: Database) -> None:
    async def work() -> None:
        journal = Journal(database)
        told = Told()
        journal.submit(Noted(line(1), told))
        await asyncio.wait_for(told.some.wait(), 10)
        assert told == [1]
        await journal.close()

    asyncio.run(work())


def test_closing_writes_what_is_left(database: Database) -> None:
    async def work() -> None:
        journal = Journal(database)
        for number in range(10):
            journal.later(line(number))
        await journal.close()

    asyncio.run(work())
    assert lines(database) == list(range(10))


class Broken:
    """A write that breaks wherever it can."""

    def begin(self) -> Work:
        raise RuntimeError("cannot begin")

    def finish(self, result: Any, error: Exception | None) -> None:
        raise RuntimeError("cannot finish")


def test_a_broken_write_stops_nobody_else(database: Database) -> None:
    async def work() -> None:
        journal = Journal(database)
        journal.submit(Broken())
        assert await journal.write(line(1)) == 1
        assert await journal.write(line(2)) == 2
        await journal.close()

    asyncio.run(work())
    assert lines(database) == [1, 2]


def test_a_database_that_cannot_be_written_is_reported(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft_server.database.BUSY_SECONDS", 0.05)

    async def work() -> None:
        journal = Journal(database)
        with database.transaction():
            with pytest.raises(StorageError) as caught:
                await journal.write(line(1))
            assert caught.value.code == "storage.busy"
        assert await journal.write(line(2)) == 2
        await journal.close()

    asyncio.run(work())
    assert lines(database) == [2]
