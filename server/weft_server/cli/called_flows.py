"""The flows that a flow file calls: files beside it."""

from pathlib import Path
from typing import Any

from weft_engine.flow.dump import to_data
from weft_engine.flow.file import read_file
from weft_engine.flow.model import Flow

_SUFFIXES = ("", ".yaml", ".yml", ".json")


def called_flows(flow: Flow, folder: Path) -> dict[str, dict[str, Any]]:
    """The flows that a flow calls, by the names that the calls give: files beside it.

    Raises:
        FlowFileError: one cannot be read. One that is not there is left to the check.
    """
    found: dict[str, dict[str, Any]] = {}
    waiting = [flow]
    while waiting:
        for node in waiting.pop().nodes.values():
            name = node.settings.get("flow")
            if node.type != "flow.call" or not isinstance(name, str) or name in found:
                continue
            path = next((p for s in _SUFFIXES if (p := folder / f"{name}{s}").is_file()), None)
            if path is not None:
                called = read_file(path)
                found[name] = to_data(called)
                waiting.append(called)
    return found
