"""The form in which the shared vectors write a flow."""

from typing import Any

from weft_engine.flow.model import Flow

_WHOLE = ("retry", "restart", "checkpoint")


def vector_form(flow: Flow) -> dict[str, Any]:
    """Defaults are left out, except inside policies and for the text of a note."""
    shown = flow.model_dump(mode="json", exclude_defaults=True)
    shown["format"] = flow.format
    for owner, entry in [
        (flow, shown),
        *((flow.nodes[id_], shown["nodes"][id_]) for id_ in flow.nodes),
    ]:
        for name in _WHOLE:
            policy = getattr(owner, name, None)
            if policy is not None:
                entry[name] = policy.model_dump(mode="json")
    for id_, note in flow.notes.items():
        shown["notes"][id_]["text"] = note.text
    return shown
