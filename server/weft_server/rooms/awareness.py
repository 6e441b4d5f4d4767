"""What the people in a room show of themselves: cursor, selection, what they drag.

Each connection speaks for one client id, its own. Yjs providers repeat everything they hear about
others; passing that on would multiply every cursor move by the number of people twice over.
"""

from collections.abc import Iterable

from weft_server.accounts.principal import Principal
from weft_server.rooms.protocol import Presence, rewrite_presence


class Speaker:
    """A connection, as far as presence goes: who it is and which client id it speaks for."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.client: int | None = None


class Awareness:
    """The presences in a room, and which connection each of them comes from."""

    def __init__(self) -> None:
        self._presences: dict[int, Presence] = {}
        self._speakers: dict[int, Speaker] = {}

    def receive(self, speaker: Speaker, presences: Iterable[Presence]) -> Presence | None:
        """Take what a connection says of itself; what changed, for the others to hear."""
        changed = None
        for presence in presences:
            if speaker.client is None:
                self._bind(speaker, presence)
            if presence.client == speaker.client and self._is_news(presence):
                changed = self._keep(speaker.principal, presence)
        return changed

    def _bind(self, speaker: Speaker, presence: Presence) -> None:
        """Let a connection speak for an id, unless that is the id of somebody else here."""
        other = self._speakers.get(presence.client)
        if other is not None:
            if other.principal.user_id != speaker.principal.user_id:
                return
            # Somebody is back before their old connection was found dead.
            other.client = None
        speaker.client = presence.client
        self._speakers[presence.client] = speaker

    def _is_news(self, presence: Presence) -> bool:
        known = self._presences.get(presence.client)
        if known is None:
            return presence.state is not None
        if presence.state is None:
            return presence.clock >= known.clock
        return presence.clock > known.clock

    def _keep(self, principal: Principal, presence: Presence) -> Presence:
        if presence.state is None:
            del self._presences[presence.client]
            return presence
        text = rewrite_presence(presence.state, _shown(principal))
        kept = Presence(presence.client, presence.clock, text)
        self._presences[presence.client] = kept
        return kept

    def leave(self, speaker: Speaker) -> Presence | None:
        """Forget a connection; the presence that ended with it, for the others to hear."""
        if speaker.client is None or self._speakers.get(speaker.client) is not speaker:
            return None
        del self._speakers[speaker.client]
        known = self._presences.pop(speaker.client, None)
        # With the same clock: a greater one would outlive the return of the same client.
        return None if known is None else Presence(known.client, known.clock, None)

    def all(self) -> list[Presence]:
        """Everybody who shows something."""
        return list(self._presences.values())


def _shown(principal: Principal) -> dict[str, str]:
    """What others see of a person; never what a browser claims."""
    return {"id": principal.user_id, "name": principal.name, "color": principal.color}
