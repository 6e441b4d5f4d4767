"""Writing files: whole or not at all."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, Literal
from uuid import uuid4

from pydantic import Field
from pydantic.config import JsonDict

from weft_engine.errors import NodeError, ResourceError
from weft_engine.kernel.stream import DataStream
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.columns import ColumnName
from weft_engine.library.formats import WRITERS, RecordWriter
from weft_engine.library.paths import to_write
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import File

WriteFormat = Literal["csv", "json", "jsonl", "text"]
_ENDINGS: dict[str, WriteFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_IF_CSV: Final[JsonDict] = {"x-visible-if": {"format": ["auto", "csv"]}}
_CODECS = {"utf-8": "utf-8", "utf-8 with BOM": "utf-8-sig", "gb18030": "gb18030"}


class WriteFile(NodeType):
    """Write all records into a file.

    The file appears only once everything is written: a run that fails or is stopped leaves the old
    file as it was. Folders on the way are made.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> with TemporaryDirectory() as folder:
    ...     target = Path(folder, "out", "tents.csv")
    ...     rows = env.from_collection([{"name": "Ridge 2", "price": 289}])
    ...     _ = env.run(WriteFile(path=str(target)).build(rows))
    ...     print(target.read_text(), end="")
    name,price
    Ridge 2,289
    """

    type: Literal["file.write"] = "file.write"
    path: str = Field(min_length=1, max_length=1000, title="File")
    """The file, relative to the folder of files."""
    format: Literal["auto", "csv", "json", "jsonl", "text"] = "auto"
    """CSV, one JSON list, one JSON value on each line, or one text on each line; auto goes by the
    end of the name."""
    if_exists: Literal["replace", "fail"] = Field("replace", title="If the file exists")
    """What to do when the file is already there."""
    columns: list[ColumnName] = Field([], max_length=500, json_schema_extra=_IF_CSV)
    """For CSV, the columns in order; those of the first row when empty."""
    delimiter: Literal[",", ";", "tab", "|"] = Field(",", json_schema_extra=_IF_CSV)
    """For CSV, what separates the fields."""
    encoding: Literal["utf-8", "utf-8 with BOM", "gb18030"] = "utf-8"
    """How the characters are stored; spreadsheet programs like UTF-8 with BOM."""

    info = NodeInfo(
        category="output",
        icon="file-export",
        title="Write file",
        output="file",
        subtitle="{path}",
        ports={"rows": "What to write.", "file": "The file, once it is complete."},
        aliases_en=("save", "export", "csv", "json", "store", "sink", "output"),
        aliases_zh=("保存", "导出", "输出", "存储"),
        pure=False,
        effects=True,
        cost="io",
        needs_end=True,
        widgets={"path": "path", "columns": "columns"},
        zh=Zh(
            title="写入文件",
            summary="把全部记录写入一个文件。",
            subtitle="{path}",
            settings={
                "path": ("文件", "相对于文件目录的路径。"),
                "format": (
                    "格式",
                    "CSV、一个 JSON 列表、每行一个 JSON 值，或每行一段文本；auto 按扩展名判断。",
                ),
                "if_exists": ("文件已存在时", "替换，或报错停止。"),
                "columns": ("列", "写 CSV 时的列及其顺序；留空则用第一行的列。"),
                "delimiter": ("分隔符", "写 CSV 时字段之间的符号。"),
                "encoding": ("编码", "字符的存储方式；电子表格软件适合用带 BOM 的 UTF-8。"),
            },
            ports={"rows": ("数据行", "要写入的内容。"), "file": ("文件", "写完后的文件。")},
        ),
    )

    def build(self, rows: DataStream[Any], ctx: NodeContext | None = None) -> DataStream[File]:
        """Write the stream and give the finished file."""
        return rows.into(partial(_FileSink, self, ctx), name="write file")

    def writer(self, file: IO[str]) -> RecordWriter:
        """Return what writes records in the chosen format."""
        chosen: WriteFormat
        if self.format == "auto":
            chosen = _ENDINGS.get(Path(self.path).suffix.lower(), "text")
        else:
            chosen = self.format
        tab = self.delimiter == "tab" or (
            self.format == "auto" and self.path.lower().endswith(".tsv")
        )
        return WRITERS[chosen](file, self.columns, "\t" if tab else self.delimiter)


class _FileSink:
    """Writes beside the target and takes its place at the end."""

    def __init__(self, node: WriteFile, ctx: NodeContext | None) -> None:
        self._node = node
        self._ctx = ctx
        self._file: IO[str] | None = None
        self._temporary: Path | None = None
        self._records = 0

    def open(self) -> None:
        self._target = to_write(self._node.path, self._ctx)
        if self._target.is_dir():
            raise NodeError(
                f"{self._node.path} is a folder.",
                code="file.is_folder",
                hint="Add the name of a file to the path.",
                params={"file": self._node.path},
            )
        self._refuse_existing()
        self._temporary = self._target.with_name(f".weft-{uuid4().hex}.tmp")
        codec = _CODECS[self._node.encoding]
        self._file = self._temporary.open("x", encoding=codec, newline="")
        self._writer = self._node.writer(self._file)

    def _refuse_existing(self) -> None:
        if self._node.if_exists == "fail" and self._target.exists():
            raise ResourceError(
                f"{self._node.path} is already there.",
                code="file.exists",
                hint="Choose another name, or let the node replace the file.",
                params={"file": self._node.path},
            )

    def write(self, batch: Sequence[Any]) -> None:
        with self._explained():
            for record in batch:
                self._writer.write(record)
                self._records += 1

    def finish(self) -> File:
        assert self._file is not None
        assert self._temporary is not None
        with self._explained():
            self._writer.end()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        self._refuse_existing()
        if self._target.exists():
            self._temporary.chmod(self._target.stat().st_mode & 0o777)
        size = self._temporary.stat().st_size
        self._temporary.replace(self._target)
        self._temporary = None
        if self._ctx:
            self._ctx.logger.info("Wrote %d records, %d bytes.", self._records, size)
        return {"path": self._node.path, "size": size}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what the system refuses in words that help."""
        shown = self._node.path
        try:
            yield
        except UnicodeEncodeError as error:
            character = ascii(error.object[error.start : error.start + 1])
            raise NodeError(
                f"Record {self._records + 1} has the character {character}, which "
                f"{self._node.encoding} cannot store.",
                code="file.bad_record",
                hint="Choose another encoding, or clean the text first.",
                params={"file": shown},
            ) from error
        except OSError as error:
            raise ResourceError(
                f"{shown} cannot be written: {error.strerror or error}.",
                code="resource.failed",
                hint="Make room on the disk or check it, then run the flow again.",
                params={"file": shown, "errno": error.errno},
                retryable=True,
            ) from error

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # on a full disk it fails again, and the rest must be tidied
                self._file.close()
            self._file = None
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None
