"""One leader, however many servers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.server.runs.flows import wait_until
from tests.server.triggers.flows import Armer, started_by
from weft_server.database import Database
from weft_server.triggers import lease
from weft_server.triggers.dispatch import Dispatcher
from weft_server.triggers.leader import Leader
from weft_server.triggers.results import Results

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def database(data: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{data / 'weft.db'}")
    yield opened
    opened.close()


def take(database: Database, holder: str, now: datetime, **more: Any) -> int | None:
    with database.transaction() as session:
        return lease.acquire(session, "x", holder, now, **more)


def holds(database: Database, holder: str, fence: int) -> bool:
    with database.transaction() as session:
        try:
            lease.require(session, "x", holder, fence)
        except lease.LostLeaseError:
            return False
        return True


def test_only_one_holds_it(database: Database) -> None:
    assert take(database, "a", NOW) == 1
    assert take(database, "b", NOW + timedelta(seconds=1)) is None
    assert take(database, "a", NOW + timedelta(seconds=2)) == 1
    assert holds(database, "a", 1)
    assert not holds(database, "b", 1)


def test_who_stood_still_too_long_writes_nothing_more(database: Database) -> None:
    assert take(database, "a", NOW) == 1
    assert take(database, "b", NOW + lease.LASTS + timedelta(seconds=1)) == 2
    assert not holds(database, "a", 1)
    assert holds(database, "b", 2)
    assert take(database, "a", NOW + lease.LASTS + timedelta(seconds=2)) is None


def test_it_is_given_back_at_once(database: Database) -> None:
    take(database, "a", NOW)
    with database.transaction() as session:
        lease.release(session, "x", "a", NOW)
    assert take(database, "b", NOW + timedelta(seconds=1)) == 2


def test_a_fresh_start_takes_it_from_the_dead(database: Database) -> None:
    take(database, "a", NOW)
    assert take(database, "b", NOW, seize=True) == 2
    assert not holds(database, "a", 1)


def test_a_second_server_takes_over_and_the_first_fires_nothing_more(armer: Armer) -> None:
    """Two leaders on one database: the one that lost the lease is stopped by the fence."""
    server = armer.server
    state = server.app.state
    first: Leader = state.trigger_leader
    flow_id = armer.arm(started_by("schedule", "time", when="every 1 second", overlap="allow"))
    armer.until_some(flow_id, 1)

    async def another() -> Leader:
        delivery = state.trigger_delivery
        dispatcher = Dispatcher(state.database, state.bus, delivery)
        results, files = Results(state.settings.data), state.settings.files
        made = Leader(state.database, state.bus, dispatcher, results, files)
        made.start()
        return made

    second = server.call(another())
    try:
        # It begins on a database of its own, as far as it knows, and so takes the lease.
        wait_until(lambda: second.fence is not None)
        wait_until(lambda: first.fence is None or first.fence > (second.fence or 0))
        seen = len(armer.events(flow_id, event_state="started"))
        armer.until_some(flow_id, seen + 3)
        due = [event["due_at"] for event in armer.events(flow_id)]
        assert len(due) == len(set(due))
        assert due == sorted(due)
    finally:
        server.call(second.stop())
        server.loop.call_soon_threadsafe(first.wake)
    wait_until(lambda: first.fence is not None)
    seen = len(armer.events(flow_id, event_state="started"))
    armer.until_some(flow_id, seen + 1)
    armer.client.post(f"/api/flows/{flow_id}/disarm")


def test_a_write_without_the_lease_is_taken_back(armer: Armer) -> None:
    flow_id = armer.arm(started_by("schedule", "time", when="every 10 hours"))
    leader: Leader = armer.server.app.state.trigger_leader
    wait_until(lambda: leader.fence is not None)
    written = []

    async def write() -> None:
        # In one step, so that the leader does not take the lease again in between.
        leader.fence = -1
        await leader._as_leader(lambda session: written.append(session) or [])

    with pytest.raises(lease.LostLeaseError):
        armer.server.call(write())
    assert written == []
    armer.server.loop.call_soon_threadsafe(leader.wake)
    wait_until(lambda: (leader.fence or 0) > 0)
    armer.client.post(f"/api/flows/{flow_id}/disarm")
