"""Messages on the queues of a workspace: durable, each delivered once to every armed flow."""

import json
import re
from typing import Any, Final

import msgspec
from sqlalchemy import func
from sqlmodel import Session, col, select

from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.accounts.workspaces import require_role
from weft_server.database import Database, utc_now
from weft_server.errors import TooMany, invalid_field
from weft_server.ids import new_id
from weft_server.triggers import intake, repository
from weft_server.triggers.dispatch import Dispatcher
from weft_server.triggers.schemas import MessageBody, MessageSent
from weft_server.triggers.tables import QueuedMessage, TriggerEvent

MOST_WAITING: Final = 10_000
"""On one queue to which nobody listens."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Queues:
    """Takes messages."""

    def __init__(self, database: Database, dispatcher: Dispatcher) -> None:
        self._database = database
        self._dispatcher = dispatcher

    async def send(
        self, principal: Principal, workspace_id: str, queue: str, asked: MessageBody
    ) -> MessageSent:
        """Store a message; it is on disk when this answers.

        Raises:
            Missing: 404 `workspace.not_found`.
            Forbidden: 403, a viewer.
            TooMany: 429 `queue.full`.
        """
        now = utc_now()
        message_id = asked.id or new_id("msg")
        payload = {"message": asked.message, "id": message_id, "time": now.isoformat()}

        def store(session: Session) -> tuple[MessageSent, list[TriggerEvent]]:
            require_role(session, principal, workspace_id, Role.EDITOR)
            _require_name(queue)
            triggers = repository.listening(session, workspace_id, queue)
            if not triggers:
                return _keep(session, workspace_id, queue, message_id, payload), []
            taken = [
                intake.take(
                    session, trigger, payload, now,
                    once_key=f"message:{message_id}", delivery_id=message_id,
                )
                for trigger in triggers
            ]  # fmt: skip
            sent = MessageSent(
                id=message_id,
                queue=queue,
                flows=len(triggers),
                duplicate=all(one.duplicate for one in taken),
            )
            return sent, [one.event for one in taken if not one.duplicate]

        sent, events = await self._database.run(store)
        for event in events:
            self._dispatcher.announce(event, event.state)
            self._dispatcher.wake(event.flow_id)
        return sent


def _keep(
    session: Session, workspace_id: str, queue: str, message_id: str, payload: dict[str, Any]
) -> MessageSent:
    of_queue = (QueuedMessage.workspace_id == workspace_id, QueuedMessage.queue == queue)
    known = session.exec(
        select(QueuedMessage).where(*of_queue, QueuedMessage.message_id == message_id)
    ).first()
    if known is not None:
        return MessageSent(id=message_id, queue=queue, flows=0, duplicate=True)
    waiting = session.exec(select(func.count(col(QueuedMessage.id))).where(*of_queue)).one()
    if waiting >= MOST_WAITING:
        raise TooMany(
            f"{waiting} messages wait on the queue already, as no armed flow listens to it.",
            code="queue.full",
            hint=f"Arm a flow with a Message trigger on the queue {queue}.",
            params={"queue": queue, "limit": MOST_WAITING},
        )
    session.add(
        QueuedMessage(
            id=new_id("msg"),
            workspace_id=workspace_id,
            queue=queue,
            message_id=message_id,
            payload=msgspec.json.encode(payload).decode(),
        )
    )
    return MessageSent(id=message_id, queue=queue, flows=0)


def _require_name(queue: str) -> None:
    if not _NAME.fullmatch(queue):
        raise invalid_field(
            "queue",
            "A queue has letters, digits, dots, dashes and underscores in its name.",
            code="queue.bad_name",
            hint="Use a name such as orders, at most 64 characters long.",
            name=json.dumps(queue)[:100],
        )
