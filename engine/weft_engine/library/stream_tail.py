"""Files that grow, as a source of records."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import Field

from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.library.stream_tail_files import Tails
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Row


class TailFile(NodeType):
    r"""Follow files that grow, such as logs: a record for each line, as soon as it is complete.

    New files that fit the pattern are found, a file that was rotated or emptied is read from its
    beginning. A record has the line as `text`, the `file`, and `offset`, its place in bytes.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "app.log")
    ...     _ = path.write_text("one\ntwo\nhal")
    ...     [row["text"] for row in TailFile(path=str(path)).process()]
    ['one', 'two']
    """

    type: Literal["file.tail"] = "file.tail"
    path: str = Field(min_length=1, max_length=1000, title="File")
    """The file, relative to the folder of files; * in the last part fits any part of a name."""
    begin: Literal["start", "end"] = "start"
    """Whether lines that are there already are read, too, or only those that come."""
    skip_empty: bool = Field(True, title="Skip empty lines")
    """Whether to leave out lines without a visible character."""

    info = NodeInfo(
        category="source",
        icon="file-arrow-right",
        title="Follow file",
        output="lines",
        subtitle="{path}",
        ports={"lines": "The lines: text, file and offset."},
        aliases_en=("tail", "log", "follow", "watch", "growing file", "append"),
        aliases_zh=("跟踪", "日志", "追加", "监视", "增长的文件"),
        cost="io",
        pure=False,
        deterministic=False,
        unbounded=True,
        widgets={"path": "path"},
        zh=Zh(
            title="跟踪文件",
            summary="跟踪不断增长的文件（例如日志），每写完一行就给出一条记录。",
            subtitle="{path}",
            settings={
                "path": ("文件", "相对于文件目录的路径；最后一段里的 * 代表任意文字。"),
                "begin": ("起点", "从头也读已有的行，或只读新来的行。"),
                "skip_empty": ("跳过空行", "是否略过没有可见字符的行。"),
            },
            ports={"lines": ("文本行", "各行：text、file 和 offset。")},
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> Iterator[Row]:
        """Read the lines that are there now."""
        tails = self._tails(ctx, {})
        try:
            while part := tails.read(1024):
                yield from part
        finally:
            tails.close()

    def source(self, ctx: NodeContext) -> Source[Row]:
        """The same for a live stream, without end."""
        return TailSource(self.path, self.begin, ctx, skip_empty=self.skip_empty)

    def _tails(self, ctx: NodeContext | None, position: dict[str, Any]) -> Tails:
        return Tails(self.path, "start", ctx, position, skip_empty=self.skip_empty)


class TailSource(Source[Row]):
    """Lines of files that grow; one subtask reads them all, so that they keep their order."""

    bounded = False

    def __init__(self, path: str, begin: str, ctx: NodeContext, *, skip_empty: bool) -> None:
        self._path = path
        self._begin = begin
        self._ctx = ctx
        self._skip_empty = skip_empty

    def splits(self) -> tuple[str, ...]:
        return (str(PurePosixPath(self._path)),)

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[Row]:
        return Tails(self._path, self._begin, self._ctx, position, skip_empty=self._skip_empty)
