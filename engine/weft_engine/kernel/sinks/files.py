"""Files that appear whole, and once."""

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

from weft_engine.errors import ResourceError
from weft_engine.kernel.connectors import Delivery, Sink, owners
from weft_engine.kernel.program_errors import ProgramError

FileFormat = Literal["jsonl", "csv", "text"]

STAGING: Final = ".staging"
_PART: Final = re.compile(r"part-(\d+)-\d+-([0-9a-f]{10})-([0-9a-f]{10})-[0-9a-f]{10}-\d+\.")


class FileSink(Sink[Any]):
    """Part files in a folder, exactly once.

    Records go to files in `.staging`, which at a checkpoint are synced, and once the checkpoint is
    durable renamed to `part-<checkpoint>-<subtask>-<job>-<attempt>.<format>`: sorted by name, parts
    are in order. What is not there under such a name does not belong to the result. Without
    checkpoints there is one part a subtask, at the end of the job. Every run adds parts, so give
    each one a folder of its own. Where a job goes on from an earlier checkpoint than its last,
    because that is damaged, it removes the parts of later ones: their records come again.

    JSON lines take any JSON value (not NaN, dates, sets or bytes), `csv` dicts (every part has the
    header; `columns`, or those of its first record), `text` whatever `str` makes a line of.
    """

    delivery: Delivery = "transactional"

    def __init__(
        self,
        folder: str | Path,
        *,
        format: FileFormat = "jsonl",  # noqa: A002 - the usual word
        columns: Sequence[str] | None = None,
    ) -> None:
        if format not in ("jsonl", "csv", "text"):
            raise ProgramError(f"there is no format {format!r}", hint="It is jsonl, csv or text.")
        self.folder = Path(folder)
        self.format = format
        self.columns = None if columns is None else tuple(columns)

    def writer(self, subtask: int, parallelism: int, attempt: str) -> "_PartWriter":
        return _PartWriter(self, subtask, attempt)

    def parts(self) -> list[Path]:
        """The files that are visible, in order."""
        return sorted(self.folder.glob(f"part-*.{self.format}"))

    def commit(self, committables: Sequence[Any]) -> None:
        for staged, name in sorted(committables, key=lambda pair: str(pair[1])):
            source, target = self.folder / STAGING / staged, self.folder / name
            if source.exists():
                source.replace(target)
            elif not target.exists():
                raise ResourceError(
                    f"the part {name} of {self.folder} is gone before it was made visible",
                    code="sink.commit_failed",
                    hint="Nobody but the job may change its folder.",
                )
        if committables:
            _sync_folder(self.folder)

    def recover(self, committables: Sequence[Any]) -> None:
        self._clean(committables, "*")

    def recover_job(self, committables: Sequence[Any], owner: str, checkpoint: int | None) -> None:
        for whose in (f"{_token(owner)}-*", f"*-{_token(owner)}-*"):
            self._clean(committables, whose)
        if self.folder.exists():
            self._take_back({name for _, name in committables}, _token(owner), checkpoint)

    def _take_back(self, keep: set[str], owner: str, checkpoint: int | None) -> None:
        """Remove parts of checkpoints after the restored one, but for those of earlier runs.

        A list in the folder says which parts are of earlier runs, as far as their numbers do not.
        """
        earlier = self.folder / f".earlier-{owner}"
        listed = set(earlier.read_text().split("\n")) if earlier.exists() else set()
        later = {path.name for path in self.parts() if _is_later(path.name, owner, checkpoint)}
        stays = later if checkpoint is None else later & (listed | keep)
        if stays != listed & later:
            temporary = self.folder / STAGING / earlier.name
            temporary.parent.mkdir(exist_ok=True)
            with temporary.open("w") as file:
                file.write("\n".join(sorted(stays)))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(earlier)
            _sync_folder(self.folder)
        if gone := later - stays:
            for name in gone:
                (self.folder / name).unlink(missing_ok=True)
            _sync_folder(self.folder)

    def _clean(self, committables: Sequence[Any], whose: str) -> None:
        keep = {staged for staged, _ in committables}
        for left in (self.folder / STAGING).glob(whose):
            if left.name not in keep:
                left.unlink(missing_ok=True)


class _PartWriter:
    """The part that one subtask is writing."""

    def __init__(self, sink: FileSink, subtask: int, attempt: str) -> None:
        self._sink = sink
        self._subtask = subtask
        self._token = _token(attempt)
        self._owners = "-".join(map(_token, owners(attempt)))
        self._parts = 0
        self._file: io.FileIO | None = None
        self._size = 0
        self._name = ""
        self._columns = sink.columns

    def write(self, values: Sequence[Any], /) -> None:
        """Add them to the part: all, or none of them when it fails."""
        data = self._encoded(values).encode()  # before anything is written
        if self._file is None:
            with self._failing():
                self._file = self._open()
        try:
            with self._failing():
                _write(self._file, data)
        except BaseException:
            self._file.truncate(self._size)  # a disk that became full keeps the half of it
            self._file.seek(self._size)
            raise
        self._size += len(data)

    def _encoded(self, values: Sequence[Any]) -> str:
        if self._sink.format != "csv":
            return _ENCODERS[self._sink.format](values)
        if not self._size:
            self._columns = self._sink.columns or tuple(values[0])
        return _table(values, self._columns or (), header=not self._size)

    def prepare(self, checkpoint: int) -> Any:
        if self._file is None:
            return None
        if not self._size:  # nothing could be written
            self.close()
            return None
        with self._failing():
            os.fsync(self._file.fileno())
            _sync_folder(self._sink.folder / STAGING)
        self._file.close()
        self._file = None
        number = f"{self._owners}-{self._token}-{self._parts:06}"
        name = f"part-{checkpoint:010}-{self._subtask:04}-{number}"
        return (self._name, f"{name}.{self._sink.format}")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            (self._sink.folder / STAGING / self._name).unlink(missing_ok=True)
            self._file = None

    def _open(self) -> io.FileIO:
        folder = self._sink.folder / STAGING
        folder.mkdir(parents=True, exist_ok=True)
        self._parts += 1
        self._name = f"{self._owners}-{self._token}-{self._subtask:04}-{self._parts:06}"
        self._size = 0
        return (folder / self._name).open("wb", buffering=0)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ResourceError(
                f"a part of {self._sink.folder} cannot be written: {error}",
                code="sink.write_failed",
                hint="Look at the space and the rights of the folder.",
                retryable=True,
            ) from error


def _is_later(name: str, owner: str, checkpoint: int | None) -> bool:
    """Whether a part is of that owner, and of a checkpoint after that one or of any."""
    match = _PART.match(name)
    if match is None or owner not in match.groups()[1:]:
        return False
    return checkpoint is None or int(match[1]) > checkpoint


def _token(name: str) -> str:
    """A name for use in names of files."""
    return blake2b(name.encode(), digest_size=5).hexdigest()


def _write(file: io.FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _json(values: Sequence[Any]) -> str:
    return "".join(
        json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n" for value in values
    )


def _text(values: Sequence[Any]) -> str:
    return "".join(f"{value}\n" for value in values)


def _table(values: Sequence[Any], columns: Sequence[str], *, header: bool) -> str:
    text = _rows(values, columns, header=header, end="\n")
    if "\r" not in text:
        return text
    # Python quotes no carriage return that is not part of how its lines end, and cannot read it.
    return "".join(
        _rows([] if at < 0 else [values[at]], columns, header=at < 0, end="\r\n")[:-2] + "\n"
        for at in range(-1 if header else 0, len(values))
    )


def _rows(values: Sequence[Any], columns: Sequence[str], *, header: bool, end: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, lineterminator=end)
    if header:
        writer.writeheader()
    writer.writerows(values)
    return out.getvalue()


_ENCODERS: Final[dict[str, Callable[[Sequence[Any]], str]]] = {"jsonl": _json, "text": _text}


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
