"""The files a flow may use: those below a folder, or any, relative to it."""

import difflib
import errno
import os
from pathlib import Path

from weft_engine.errors import NodeError, ResourceError, WeftError, preview


class LocalFiles:
    """Files of this machine, for the nodes of a run."""

    def __init__(self, root: Path, *, confined: bool) -> None:
        self._root = root.resolve()
        self._confined = confined

    @property
    def place(self) -> tuple[str, bool]:
        """The folder, and whether files outside are refused; to be made again elsewhere."""
        return str(self._root), self._confined

    def open_read(self, path: str) -> Path:
        """Where to read a file or folder.

        Raises:
            NodeError: `file.outside_root`, `file.not_found`.
            ResourceError: `file.permission`.
        """
        found = self._resolve(path)
        if not found.exists():
            raise self._not_found(path, found)
        if not os.access(found, os.R_OK):
            raise _refused(path, "read")
        return found

    def open_write(self, path: str) -> Path:
        """Where to write a file; its folder is made.

        Raises:
            NodeError: `file.outside_root`.
            ResourceError: `file.permission`.
        """
        found = self._resolve(path)
        try:
            found.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise _refused(path, "written") from exc
        if not os.access(found if found.exists() else found.parent, os.W_OK):
            raise _refused(path, "written")
        return found

    def _resolve(self, path: str) -> Path:
        """Follow every link on the way, then look where it ends."""
        if "\0" in path:
            raise NodeError(
                "The path has a character that no path may have.",
                code="file.not_found",
                hint="Check the path for invisible characters.",
            )
        try:
            found = (self._root / Path(path).expanduser() if not self._confined
                     else self._root / path).resolve()  # fmt: skip
            found.exists()
        except (OSError, RuntimeError, ValueError) as exc:
            raise _unusable(path, exc) from exc
        if self._confined and not found.is_relative_to(self._root):
            raise NodeError(
                f"{path} leads outside the folder that flows may use.",
                code="file.outside_root",
                hint="Use a path inside the folder, without a leading slash and without '..'.",
                params={"path": path},
            )
        return found

    def _not_found(self, path: str, found: Path) -> WeftError:
        near = _nearest(found)
        return NodeError(
            f"There is no file {path}.",
            code="file.not_found",
            hint=f"Did you mean {near}?" if near else self._where(),
            params={"path": path, "nearest": near},
        )

    def _where(self) -> str:
        if self._confined:
            return "Put the file into the folder of files, or correct the path."
        return f"Paths are relative to {self._root}."


def _nearest(missing: Path) -> str | None:
    """A name in the same folder that is almost the same."""
    try:
        names = os.listdir(missing.parent)  # noqa: PTH208 - names are what is compared
    except OSError:
        return None
    close = difflib.get_close_matches(missing.name, names, 1, 0.6)
    return close[0] if close else None


def _unusable(path: str, exc: Exception) -> NodeError:
    """Why the system takes no such path, without saying where the folder of files lies."""
    if getattr(exc, "errno", None) == errno.ENAMETOOLONG:
        why, hint = "has a name that is too long", "Give the file a shorter name."
    elif isinstance(exc, UnicodeError):
        why, hint = "has a character that no path may have", "Check it for unusual characters."
    else:
        why, hint = "leads in a circle", "Check the links on the way."
    shown = preview(path)
    return NodeError(f"{shown} {why}.", code="file.not_found", hint=hint, params={"path": shown})


def _refused(path: str, verb: str) -> ResourceError:
    return ResourceError(
        f"{path} may not be {verb}.",
        code="file.permission",
        hint="Ask whoever runs the server for access, or choose another file.",
        params={"path": path},
    )
