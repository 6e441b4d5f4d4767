"""Queries of documents. An edit is a row that is only ever added, never changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, update
from sqlmodel import Session, col, select

from weft_server.database import utc_now
from weft_server.errors import Missing, StorageError, register
from weft_server.rooms.tables import DocLogRow, DocRow, DocSnapshotRow

register({"document.damaged": "The stored document of the flow is not complete."})

SYSTEM = "system"
EDIT, RELAY = "edit", "relay"
"""Origins: a live edit, and what a client brings along, which others may have written."""


@dataclass(frozen=True, slots=True)
class Change:
    """An update with who made it and what caused it."""

    actor: str
    origin: str
    update: bytes


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """All that is needed to bring a document to life."""

    rev: int
    epoch: int
    snapshot: bytes
    owners: dict[int, str]
    changes: Sequence[Change]


def insert_document(session: Session, flow_id: str, change: Change, *, epoch: int = 1) -> None:
    """Store a new document whose log begins with one change."""
    session.add(DocRow(flow_id=flow_id, rev=0, epoch=epoch, schema_version=1))
    session.flush()
    append(session, flow_id, [change])


def revision(session: Session, flow_id: str) -> int | None:
    """The revision of a document; None if there is none."""
    return session.exec(select(DocRow.rev).where(DocRow.flow_id == flow_id)).first()


def load(session: Session, flow_id: str) -> StoredDocument:
    """Read a document: the newest snapshot and the log behind it, in one view of the database.

    Raises:
        Missing: there is no such document.
        StorageError: rows are missing (`document.damaged`).
    """
    row = session.get(DocRow, flow_id)
    if row is None:
        raise Missing.of("flow", flow_id)
    snapshot = session.exec(
        select(DocSnapshotRow)
        .where(DocSnapshotRow.flow_id == flow_id)
        .order_by(col(DocSnapshotRow.rev).desc())
        .limit(1)
    ).first()
    since = snapshot.rev if snapshot else 0
    rows = session.exec(
        select(DocLogRow.rev, DocLogRow.actor, DocLogRow.origin, DocLogRow.update)
        .where(DocLogRow.flow_id == flow_id, DocLogRow.rev > since)
        .order_by(col(DocLogRow.rev))
    ).all()
    if [rev for rev, *_ in rows] != list(range(since + 1, row.rev + 1)):
        raise StorageError(
            f"The stored document of flow {flow_id} has a gap.",
            code="document.damaged",
            hint="Restore the data directory from a backup.",
            params={"id": flow_id},
        )
    return StoredDocument(
        rev=row.rev,
        epoch=row.epoch,
        snapshot=snapshot.update if snapshot else b"",
        owners=_read_owners(snapshot),
        changes=[Change(actor, origin, data) for _, actor, origin, data in rows],
    )


def _read_owners(snapshot: DocSnapshotRow | None) -> dict[int, str]:
    owners = snapshot.owners if snapshot else {}
    return {int(client): user for user, clients in owners.items() for client in clients}


def append(session: Session, flow_id: str, changes: Sequence[Change]) -> int | None:
    """Add changes to the log; the new revision, or None if the document is gone."""
    grown = update(DocRow).where(col(DocRow.flow_id) == flow_id)
    # The row of the document is the lock that keeps revisions free of gaps.
    grown = grown.values(rev=DocRow.rev + len(changes))
    returning = grown.returning(col(DocRow.rev))
    rev: int | None = session.execute(returning).scalar_one_or_none()
    if rev is None:
        return None
    first, now = rev - len(changes) + 1, utc_now()
    rows = [
        {
            "flow_id": flow_id,
            "rev": first + index,
            "actor": change.actor,
            "origin": change.origin,
            "at": now,
            "update": change.update,
        }
        for index, change in enumerate(changes)
    ]
    session.execute(insert(DocLogRow), rows)
    return rev


def replace_snapshot(
    session: Session, flow_id: str, rev: int, document: bytes, owners: Iterable[tuple[int, str]]
) -> None:
    """Store the whole document as of a revision, unless there is a newer one or it is gone."""
    by_user: dict[str, list[int]] = {}
    for client, user in sorted(owners):
        by_user.setdefault(user, []).append(client)
    current = revision(session, flow_id)
    newest = session.exec(
        select(DocSnapshotRow.rev)
        .where(DocSnapshotRow.flow_id == flow_id)
        .order_by(col(DocSnapshotRow.rev).desc())
        .limit(1)
    ).first()
    if current is None or current < rev or (newest is not None and newest >= rev):
        return
    session.add(DocSnapshotRow(flow_id=flow_id, rev=rev, update=document, owners=by_user))
    session.flush()
    older = delete(DocSnapshotRow).where(
        col(DocSnapshotRow.flow_id) == flow_id, col(DocSnapshotRow.rev) < rev
    )
    session.execute(older)
