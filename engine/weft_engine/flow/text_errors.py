"""Errors of flow files: where they are, in words and as data."""

from collections.abc import Sequence
from typing import Any

from weft_engine.errors import FlowFileError

Path = tuple[str | int, ...]


def file_error(
    message: str,
    *,
    code: str,
    hint: str = "",
    line: int | None = None,
    path: Sequence[str | int] = (),
    **params: Any,
) -> FlowFileError:
    """An error in a flow file, with the line where it stands when that is known."""
    where = f"line {line}: " if line else ""
    return FlowFileError(
        f"{where}{message}",
        code=f"flow.file.{code}",
        hint=hint,
        params={"line": line, "path": list(path), **params},
    )
