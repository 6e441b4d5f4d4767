"""What is said about files."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel


class FileInfo(BaseModel):
    """A file or a folder of a workspace."""

    name: str
    path: str
    """From the folder of the workspace, as the settings of nodes take it."""
    kind: Literal["file", "folder"]
    size: int | None = None
    """In bytes; folders have none."""
    modified_at: datetime


class FileList(BaseModel):
    """A page of what is in one folder: folders first, then files, by name."""

    items: list[FileInfo]
    next_cursor: str | None = None
