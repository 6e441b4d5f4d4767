"""From the path in a setting to a file, through the files a flow may use."""

from pathlib import Path

from weft_engine.errors import NodeError
from weft_engine.nodes.node_type import NodeContext


def to_read(path: str, ctx: NodeContext | None) -> Path:
    """Find a file to read; outside a run the path is taken as it is.

    Raises:
        WeftError: `file.not_found`, `file.outside_root` or `file.is_folder`.
    """
    found = ctx.files.open_read(path) if ctx else Path(path)
    if found.is_dir():
        raise NodeError(
            f"{path} is a folder, and a file is needed.",
            code="file.is_folder",
            hint="Name a file in it, or read the whole folder with Read documents.",
            params={"file": path},
        )
    return found


def to_write(path: str, ctx: NodeContext | None) -> Path:
    """Find where to write a file; outside a run the path is taken as it is."""
    if ctx:
        return ctx.files.open_write(path)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
