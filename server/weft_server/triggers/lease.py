"""One server at a time: a row in the database that has to be renewed.

Every write of the holder looks at the row first, in its own transaction; whoever lost the row
meanwhile, say because its process stood still, is stopped by the fence and writes nothing.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, select

from weft_server.triggers.tables import Lease

LASTS: Final = timedelta(seconds=30)


class LostLeaseError(Exception):
    """Another server has taken over."""


def acquire(
    session: Session,
    name: str,
    holder: str,
    now: datetime,
    *,
    lasts: timedelta = LASTS,
    seize: bool = False,
) -> int | None:
    """Take or renew the lease; answers its fence, or None while another one holds it.

    `seize` takes it from any holder: right after a start on a database of one's own, where the
    holder can only be a process that died.
    """
    row = session.exec(select(Lease).where(Lease.name == name).with_for_update()).first()
    if row is None:
        row = Lease(name=name, holder=holder, fence=1, expires_at=now + lasts)
    elif row.holder == holder:
        # Its time may be over; as long as nobody took it, nothing was missed.
        row.expires_at = now + lasts
    elif row.expires_at > now and not seize:
        return None
    else:
        row.holder, row.fence, row.expires_at = holder, row.fence + 1, now + lasts
    session.add(row)
    session.flush()
    return row.fence


def require(session: Session, name: str, holder: str, fence: int) -> None:
    """Go on only as the holder; keeps others from taking over until the transaction ends.

    Raises:
        LostLeaseError: another server holds it.
    """
    row = session.exec(select(Lease).where(Lease.name == name).with_for_update()).first()
    if row is None or row.holder != holder or row.fence != fence:
        raise LostLeaseError(name)


def release(session: Session, name: str, holder: str, now: datetime) -> None:
    """Let another server take over at once."""
    row = session.get(Lease, name)
    if row is not None and row.holder == holder:
        row.expires_at = now
        session.add(row)
