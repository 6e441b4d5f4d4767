"""Reading records from JSON files."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, NoReturn

from pydantic import Field

from weft_engine.errors import NodeError
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.encodings import Encoding, read_text
from weft_engine.library.files_text import ReadLines
from weft_engine.library.paths import to_read
from weft_engine.library.unpacking import at_path, records_of
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Row

_MEGABYTE = 1024 * 1024


class ReadJson(NodeType):
    """Read records from a JSON file, or from a file with one JSON value on each line.

    A list gives a row for each item, an object gives one row. An item that is not an object becomes
    a row with the column value.

    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile("w", suffix=".json") as file:
    ...     print('{"items": [{"id": 1}, {"id": 2}]}', file=file, flush=True)
    ...     list(ReadJson(path=file.name, records="items").process())
    [{'id': 1}, {'id': 2}]
    """

    type: Literal["file.read_json"] = "file.read_json"
    path: str = Field(min_length=1, max_length=1000, title="File")
    """The file, relative to the folder of files."""
    format: Literal["auto", "json", "jsonl"] = "auto"
    """One JSON value, or one on each line; auto goes by the name: .jsonl and .ndjson are lines."""
    records: str = Field("", max_length=500, title="Where the records are")
    """Where the list of records is inside the file, such as data.items; the top when empty."""
    encoding: Encoding = "auto"
    """How the characters are stored; auto recognises UTF-8, UTF-16, GB18030 and others."""
    max_megabytes: int = Field(100, ge=1, le=1000, title="Largest size (MB)")
    """The largest file to read at once; files of lines may have any size."""
    limit: int | None = Field(None, ge=1)
    """The most records to read; all when empty."""

    info = NodeInfo(
        category="source",
        icon="braces",
        title="Read JSON",
        output="rows",
        subtitle="{path}",
        ports={"rows": "The records."},
        aliases_en=("json", "jsonl", "ndjson", "open", "load", "import"),
        aliases_zh=("读取", "导入", "打开文件", "对象"),
        cost="io",
        pure=False,
        deterministic=False,
        widgets={"path": "path"},
        zh=Zh(
            title="读取 JSON",
            summary="从 JSON 文件，或每行一个 JSON 值的文件中读取记录。",
            subtitle="{path}",
            settings={
                "path": ("文件", "相对于文件目录的路径。"),
                "format": (
                    "格式",
                    "整个文件是一个 JSON 值，还是每行一个；auto 按扩展名判断。",
                ),
                "records": (
                    "记录位置",
                    "记录列表在文件中的位置，例如 data.items；留空表示最外层。",
                ),
                "encoding": ("编码", "字符的存储方式；auto 能识别 UTF-8、UTF-16、GB18030 等。"),
                "max_megabytes": (
                    "最大兆字节数",
                    "一次最多读多大的文件；每行一个值的文件不受限制。",
                ),
                "limit": ("最多记录数", "最多读取多少条；留空则全部读取。"),
            },
            ports={"rows": ("数据行", "读到的记录。")},
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> Iterator[Row]:
        """Yield the records."""
        lines = self.format == "jsonl" or (
            self.format == "auto" and self.path.lower().endswith((".jsonl", ".ndjson"))
        )
        found = self._from_lines(ctx) if lines else self._from_whole(ctx)
        yield from islice(found, self.limit)

    def _from_whole(self, ctx: NodeContext | None) -> Iterator[Row]:
        path = to_read(self.path, ctx)
        limit = self.max_megabytes * _MEGABYTE
        text = read_text(path, self.encoding, shown=self.path, limit=limit)
        content = parse_json(text, where=self.path)
        yield from records_of(at_path(content, self.records))

    def _from_lines(self, ctx: NodeContext | None) -> Iterator[Row]:
        lines = ReadLines(path=self.path, encoding=self.encoding, skip_empty=False).process(ctx)
        for number, line in enumerate(lines, start=1):
            if line.strip():
                content = parse_json(line, where=f"{self.path}, line {number}")
                yield from records_of(at_path(content, self.records))


def parse_json(text: str, *, where: str) -> Any:
    """Parse JSON text strictly.

    Args:
        text: The JSON.
        where: What to call it in messages.

    Raises:
        NodeError: `json.malformed`.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        reason = error.msg[:1].lower() + error.msg[1:]
    except ValueError as error:
        place, reason = "a number", str(error)
    except RecursionError:
        place, reason = "a list", "it is nested too deeply"
    raise NodeError(
        f"{where} is not valid JSON at {place}: {reason}.",
        code="json.malformed",
        hint="Check the text there; a comma may be missing, or the file may be cut off.",
        params={"where": where, "place": place},
    )


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
