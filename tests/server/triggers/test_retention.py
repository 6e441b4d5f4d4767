"""Old events are deleted; those that wait, or may come again, are not."""

from datetime import timedelta

import pytest
from sqlmodel import select

from tests.server.triggers.flows import Armer, waiting
from weft_server.database import utc_now
from weft_server.triggers import intake, repository
from weft_server.triggers.tables import TriggerEvent


def test_only_old_events_that_were_dealt_with_are_deleted(
    armer: Armer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "KEPT_EVENTS", 3)
    flow_id = armer.arm(waiting("webhook", "body", overlap="queue"))
    now = utc_now()
    old = now - repository.KEPT_FOR - timedelta(minutes=1)
    with armer.server.database.transaction() as session:
        trigger = repository.trigger(session, flow_id, "event")
        assert trigger is not None
        for state, at in (
            ("failed", old),
            ("failed", now),
            ("received", old),
            *[("failed", old)] * 3,
        ):
            taken = intake.take(session, trigger, {}, at)
            taken.event.state = state
        session.flush()
        repository.prune(session, flow_id, now)
        of_flow = select(TriggerEvent).where(TriggerEvent.flow_id == flow_id)
        of_flow = of_flow.order_by(TriggerEvent.id)
        left = [event.state for event in session.exec(of_flow)]
        for event in session.exec(of_flow):
            session.delete(event)
    assert left == ["failed", "received", "failed", "failed", "failed"]


def test_about_one_event_in_thirty_clears_up(armer: Armer, monkeypatch: pytest.MonkeyPatch) -> None:
    pruned = []
    monkeypatch.setattr(repository, "prune", lambda *_: pruned.append(1))
    flow_id = armer.arm(waiting("webhook", "body", overlap="queue"))
    with armer.server.database.transaction() as session:
        trigger = repository.trigger(session, flow_id, "event")
        assert trigger is not None
        for _ in range(600):
            intake.note(session, trigger, "missed", "trigger.missed", utc_now())
    assert 0 < len(pruned) < 100
