"""What goes wrong with files, as answers."""
# ruff: noqa: N818 - the names read as answers

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from weft_engine.errors import NodeError, ResourceError
from weft_server.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    Missing,
    RequestError,
    StorageError,
    TooLarge,
    register,
)

MAX_FILE = 200_000_000

register(
    {
        "file.bad_path": "A file cannot have this path.",
        "file.not_folder": "The path leads through a file where a folder is needed.",
        "file.folder_not_empty": "The folder has something in it.",
        "file.upload_too_large": "The file is larger than the server takes.",
        "file.upload_broken": "The connection ended in the middle of the file.",
    }
)


class DiskFull(StorageError):
    """507: there is no room."""

    code = "storage.full"
    status = HTTPStatus.INSUFFICIENT_STORAGE


@contextmanager
def told(path: str) -> Iterator[None]:
    """Turn what the file system and the engine say about a path into answers."""
    try:
        yield
    except NodeError as error:
        if error.code != "file.not_found":
            raise
        raise Missing(
            error.message, code=error.code, hint=error.hint, params=error.params
        ) from error
    except ResourceError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno not in {errno.EACCES, errno.EPERM}:
            raise _of_system(cause, path) from error
        raise _refused(path) from error
    except OSError as error:
        raise _of_system(error, path) from error


def bad_path(path: str, reason: str) -> Invalid:
    """The answer for a path that no file can have."""
    return Invalid(
        f"A file cannot have this path: {reason}.",
        code="file.bad_path",
        hint="Use another name.",
        params={"path": path[:200], "reason": reason},
    )


def exists(path: str) -> Conflict:
    """The answer when something would be overwritten that nobody asked to overwrite."""
    return Conflict(
        f"There is a file {path} already.",
        code="file.exists",
        hint="Choose another name, or send overwrite=true.",
        params={"path": path, "file": path},
    )


def is_folder(path: str) -> Conflict:
    """The answer for a folder where a file is needed."""
    return Conflict(
        f"{path} is a folder.",
        code="file.is_folder",
        hint="Name a file in it.",
        params={"path": path, "file": path},
    )


def not_folder(path: str) -> Conflict:
    """The answer for a file where a folder is needed."""
    return Conflict(
        f"{path} leads through a file where a folder is needed.",
        code="file.not_folder",
        hint="Use another folder, or delete that file first.",
        params={"path": path},
    )


def too_large() -> TooLarge:
    """The answer for more than one file may hold."""
    megabytes = MAX_FILE // 1_000_000
    return TooLarge(
        f"The file is larger than {megabytes} MB.",
        code="file.upload_too_large",
        hint="Split it, or put it into the folder of the workspace on the server itself.",
        params={"limit_mb": megabytes},
    )


def broken_off() -> Malformed:
    """The answer, which hardly anybody hears, for a file that ended too early."""
    return Malformed(
        "The connection ended in the middle of the file; nothing was kept.",
        code="file.upload_broken",
        hint="Send the file again.",
    )


def not_found(path: str) -> Missing:
    """The answer for what is not there, or not a file at all."""
    return Missing(
        f"There is no file {path}.",
        code="file.not_found",
        hint="List the folder to see what is there.",
        params={"path": path},
    )


def _refused(path: str) -> Forbidden:
    return Forbidden(
        f"The server may not touch {path}.",
        code="file.permission",
        hint="Ask whoever runs the server for access, or choose another file.",
        params={"path": path},
    )


def _full(_path: str) -> DiskFull:
    return DiskFull(
        "The disk of the server is full; nothing was kept.",
        hint="Delete files that are not needed, then try again.",
    )


def _not_empty(path: str) -> Conflict:
    return Conflict(
        f"The folder {path} is not empty.",
        code="file.folder_not_empty",
        hint="Delete what is in it first.",
        params={"path": path},
    )


_ANSWERS: dict[int, Callable[[str], RequestError]] = {
    errno.ENOSPC: _full,
    errno.EDQUOT: _full,
    errno.EFBIG: _full,
    errno.ENOTEMPTY: _not_empty,
    errno.EEXIST: exists,
    errno.EISDIR: is_folder,
    errno.ENOTDIR: not_folder,
    errno.ENOENT: not_found,
    errno.ELOOP: not_found,
    errno.EACCES: _refused,
    errno.EPERM: _refused,
    errno.EROFS: _refused,
    errno.ENAMETOOLONG: lambda path: bad_path(path, "it is too long"),
}


def _of_system(error: OSError, path: str) -> RequestError:
    answer = _ANSWERS.get(error.errno or 0)
    if answer is not None:
        return answer(path)
    return StorageError(
        "The files of the server cannot be read or written.",
        hint="Look at the server's log, and at the disk of the data folder.",
    )
