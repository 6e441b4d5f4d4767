"""Writing a stream that never ends, so that every record is there exactly once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from pydantic import Field

from weft_engine.kernel.sinks.files import FileSink
from weft_engine.kernel.stream import DataStream
from weft_engine.library.columns import ColumnName
from weft_engine.library.paths import to_write
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh


class WriteStream(NodeType):
    """Write a stream into a folder, exactly once.

    Each checkpoint adds a file, `part-…`, which holds what came since the one before; sorted by
    name, the parts are in order. What is in no part does not count: after a crash nothing is
    missing and nothing is there twice.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> with TemporaryDirectory() as folder:
    ...     rows = env.from_collection([{"minute": "12:00", "errors": 2}])
    ...     _ = env.run(WriteStream(folder=folder).build(rows))
    ...     print(next(Path(folder).glob("part-*")).read_text(), end="")
    {"minute": "12:00", "errors": 2}
    """

    type: Literal["stream.write"] = "stream.write"
    folder: str = Field(min_length=1, max_length=1000)
    """The folder, relative to the folder of files; give every flow one of its own."""
    format: Literal["jsonl", "csv", "text"] = "jsonl"
    """One JSON value on each line, CSV with a header in each part, or one text on each line."""
    columns: list[ColumnName] = Field(
        [], max_length=500, json_schema_extra={"x-visible-if": {"format": ["csv"]}}
    )
    """For CSV, the columns in order; those of the first row when empty."""

    info = NodeInfo(
        category="output",
        icon="folder-down",
        title="Write stream",
        subtitle="{folder}",
        ports={"rows": "What to write."},
        aliases_en=("save", "sink", "append", "parts", "export", "exactly once"),
        aliases_zh=("保存", "写入", "追加", "分段", "导出", "恰好一次"),
        pure=False,
        effects=True,
        cost="io",
        widgets={"folder": "path", "columns": "columns"},
        zh=Zh(
            title="写入数据流",
            summary="把数据流写入一个文件夹，每条记录恰好一次。",
            subtitle="{folder}",
            settings={
                "folder": ("文件夹", "相对于文件目录的文件夹；每个流程用自己的。"),
                "format": ("格式", "每行一个 JSON 值、每段带表头的 CSV，或每行一段文本。"),
                "columns": ("列", "写 CSV 时的列及其顺序；留空则用第一行的列。"),
            },
            ports={"rows": ("数据行", "要写入的内容。")},
        ),
    )

    def build(self, rows: DataStream[Any], ctx: NodeContext | None = None) -> None:
        """End the stream in the folder."""
        target = to_write(f"{self.folder}/part", ctx).parent
        sink = FileSink(target, format=self.format, columns=self.columns or None)
        if rows.graph.live:
            return rows.sink(sink, name="write")  # type: ignore[return-value]
        return rows.into(lambda: _WholeParts(sink), name="write")  # type: ignore[return-value]


class _WholeParts:
    """Writes a stream that ends: one part, once it is complete."""

    def __init__(self, sink: FileSink) -> None:
        self._sink = sink
        self._folder = Path(sink.folder)

    def open(self) -> None:
        attempt = f"batch-{uuid4().hex[:8]}-0-0-{uuid4().hex[:8]}"
        self._writer = self._sink.writer(0, 1, attempt)

    def write(self, batch: Sequence[Any]) -> None:
        self._writer.write(batch)

    def finish(self) -> int:
        made = self._writer.prepare(1)
        self._sink.commit([made] if made is not None else [])
        return len(self._sink.parts())

    def close(self) -> None:
        self._writer.close()
