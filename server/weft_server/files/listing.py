"""Pages of what is in a folder."""

import heapq
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

from weft_server.errors import Malformed
from weft_server.files.faults import not_folder, told
from weft_server.files.folder import TEMPORARY, Folder
from weft_server.files.schemas import FileInfo, FileList

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()

Key = tuple[int, str, str]


def list_folder(
    folder: Folder, path: str, *, query: str, limit: int, cursor: str | None
) -> FileList:
    """A page of a folder: folders first, then files, by name; `query` is part of the name."""
    after = _read_cursor(cursor) if cursor else None
    if not folder.root.exists():
        return FileList(items=[])  # Made when the first file comes.
    found = folder.existing(path)
    if not found.is_dir():
        raise not_folder(path)
    wanted = query.casefold()
    with told(path), os.scandir(found) as entries:
        keys = (key for entry in entries if (key := _key(folder, entry)) is not None)
        fitting = (key for key in keys if wanted in key[1] and (after is None or key > after))
        # A folder may hold a million files: no more than a page is kept.
        page = heapq.nsmallest(limit + 1, fitting)
    items = [item for _, _, name in page[:limit] if (item := info_of(folder, found / name))]
    more = len(page) > limit
    return FileList(items=items, next_cursor=_write_cursor(page[limit - 1]) if more else None)


def info_of(folder: Folder, found: Path) -> FileInfo | None:
    """What is known of a file; None if it is gone meanwhile."""
    try:
        stat = found.stat()
        is_folder = found.is_dir()
    except OSError:
        return None
    seconds = min(max(stat.st_mtime, 0), _LATEST)
    return FileInfo(
        name=found.name,
        path=folder.named(found),
        kind="folder" if is_folder else "file",
        size=None if is_folder else stat.st_size,
        modified_at=_EPOCH + timedelta(seconds=seconds),
    )


def _key(folder: Folder, entry: os.DirEntry[str]) -> Key | None:
    """Its place in the order; None for what is no concern of people and flows."""
    name = entry.name
    try:
        name.encode()
        if TEMPORARY.fullmatch(name):
            return None
        if entry.is_symlink() and not folder.leads_inside(Path(entry.path)):
            return None
        if entry.is_dir():
            return (0, name.casefold(), name)
        return (1, name.casefold(), name) if entry.is_file() else None
    except (OSError, RuntimeError, UnicodeEncodeError):
        return None


def _write_cursor(key: Key) -> str:
    place = json.dumps([key[0], key[2]], ensure_ascii=False)
    return urlsafe_b64encode(place.encode()).rstrip(b"=").decode()


def _read_cursor(cursor: str) -> Key:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        rank, name = json.loads(urlsafe_b64decode(padded.encode("ascii")))
        if rank not in (0, 1) or not isinstance(name, str):
            raise ValueError(cursor)
    except (ValueError, TypeError, RecursionError):
        raise Malformed(
            "The cursor does not come from this list.",
            code="request.bad_cursor",
            hint="Start again without a cursor.",
        ) from None
    return (rank, name.casefold(), name)
