"""What the senders of webhooks sign with, as rows keep it: sealed with the server's key."""

import logging
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from weft_server.triggers.sealing import Seal, SealError
from weft_server.triggers.tables import TriggerSecret

log = logging.getLogger(__name__)


class WebhookSecrets:
    """Reads and writes rows of secrets; the plain texts are in memory only."""

    def __init__(self, seal: Seal) -> None:
        """`seal` has the key."""
        self._seal = seal

    def valid(self, kept: TriggerSecret | None, now: datetime) -> tuple[str, ...]:
        """The secrets that a signature may be made with; none where the key is another."""
        if kept is None:
            return ()
        former = kept.former if kept.former_until and kept.former_until > now else None
        found = [text for text in (kept.secret, former) if text is not None]
        try:
            return tuple(self._open(kept, text) for text in found)
        except SealError:
            log.warning("the secret of the webhook %s was sealed with another key", kept.trigger_id)
            return ()

    def usable(self, kept: TriggerSecret | None) -> TriggerSecret | None:
        """The row, if what it holds can be read here."""
        return kept if kept is not None and kept.key_id in (None, self._seal.id) else None

    def put(
        self,
        kept: TriggerSecret | None,
        trigger_id: str,
        value: str,
        *,
        keep_hours: float,
        now: datetime,
    ) -> TriggerSecret:
        """A row with a new secret; the former one stays valid for some hours."""
        sealed = self._seal.close(value, trigger_id)
        if kept is None:
            return TriggerSecret(
                trigger_id=trigger_id, secret=sealed, made_at=now, key_id=self._seal.id
            )
        if self.usable(kept) is None:  # nobody can read what it has
            keep_hours, kept.key_id = 0, self._seal.id
        self._sealed(kept)
        kept.former = kept.secret if keep_hours else None
        kept.former_until = now + timedelta(hours=keep_hours) if keep_hours else None
        kept.secret, kept.made_at = sealed, now
        return kept

    def seal_all(self, session: Session) -> int:
        """Seal what earlier versions left plain; how many rows that were."""
        plain = session.exec(select(TriggerSecret).where(col(TriggerSecret.key_id).is_(None))).all()
        for kept in plain:
            session.add(self._sealed(kept))
        return len(plain)

    def lost(self, session: Session) -> int:
        """How many rows cannot be read here, as they were sealed with another key."""
        other = select(func.count()).where(col(TriggerSecret.key_id) != self._seal.id)
        return int(session.exec(other).one())

    def _open(self, kept: TriggerSecret, text: str) -> str:
        if kept.key_id is None:
            return text
        return self._seal.open(text, kept.trigger_id)

    def _sealed(self, kept: TriggerSecret) -> TriggerSecret:
        if kept.key_id is None:
            kept.secret = self._seal.close(kept.secret, kept.trigger_id)
            if kept.former is not None:
                kept.former = self._seal.close(kept.former, kept.trigger_id)
            kept.key_id = self._seal.id
        return kept
