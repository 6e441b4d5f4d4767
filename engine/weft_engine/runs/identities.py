"""Of which run idempotency keys are made, where a run is another attempt of one before.

An effect that was begun and failed may have been done in part. So that services know it again, it
has the key that it had before, as long as its node and everything that leads to it are the same.
"""

from collections.abc import Mapping, Sequence

import msgspec

from weft_engine.runs.levels import later_rounds


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose keys a node has."""

    run: str
    first: tuple[str, ...] = ()
    """Containers in whose first round alone this holds: their later rounds depend on another."""


Identities = Mapping[str, Sequence[Identity]]
"""Node → whose keys it has; the first that holds counts, and the run's own where none does."""


def identity_of(identities: Identities, path: str, scope: str, own: str) -> str:
    """Whose key an activation has."""
    found = identities.get(path)
    if not found:
        return own
    later = later_rounds(path, scope)
    return next((each.run for each in found if later.isdisjoint(each.first)), own)


def handed_on(
    identities: Identities, own: str, same: Mapping[str, Sequence[str]]
) -> dict[str, list[Identity]]:
    """Whose keys the nodes of another attempt have.

    Args:
        identities: Those of the run before.
        own: Whose keys its other nodes had.
        same: The nodes that are the same now, each with the containers in whose first round alone
            it is.
    """
    found: dict[str, list[Identity]] = {}
    for path, first in same.items():
        for each in (*identities.get(path, ()), Identity(own)):
            both = tuple(dict.fromkeys((*each.first, *first)))
            found.setdefault(path, []).append(Identity(each.run, both))
            if not each.first:
                break  # it holds in all rounds
    return found
