"""Whether what a program says of a state fits what is there."""

from weft_engine.errors import ResourceError
from weft_engine.kernel.state.api import StateSpec


def merged(held: StateSpec, asked: StateSpec) -> StateSpec:
    """The state as it is asked for.

    Raises:
        ResourceError: `state.incompatible`. Only the time to live may change.
    """
    if (held.kind, held.namespaced) == (asked.kind, asked.namespaced):
        return asked
    raise ResourceError(
        f"the state {asked.name!r} is a {asked.kind}, but there is a {held.kind} of that name",
        code="state.incompatible",
        hint="Give the state another name; what was kept under the old one stays there.",
        params={"state": asked.name},
    )
