"""Reading CSV files."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, PrivateAttr

from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.csv_format import BadRow, CsvOptions, CsvReader, Delimiter
from weft_engine.library.encodings import Encoding
from weft_engine.library.paths import to_read
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.row_work import RowWork
from weft_engine.nodes.types import Row


class ReadCsv(NodeType):
    r"""Read the rows of a CSV file, one after the other.

    Delimiter, encoding and column types are found out unless they are set. A column is a number
    or true/false only if every value in the file is; ids with leading zeros, telephone numbers and
    very long digits stay text. An empty field is null. Any size of file can be read: only a few
    rows are in memory at a time.

    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile("w", suffix=".csv") as file:
    ...     print("id;name;price\n007;tent;289.5\n008;stove;", file=file, flush=True)
    ...     for row in ReadCsv(path=file.name).process():
    ...         print(row)
    {'id': '007', 'name': 'tent', 'price': 289.5}
    {'id': '008', 'name': 'stove', 'price': None}
    """

    type: Literal["file.read_csv"] = "file.read_csv"
    path: str = Field(min_length=1, max_length=1000, title="File")
    """The file, relative to the folder of files."""
    delimiter: Delimiter = "auto"
    """What separates the fields; auto looks at the first lines."""
    encoding: Encoding = "auto"
    """How the characters are stored; auto recognises UTF-8, UTF-16, GB18030 and others."""
    header: bool = Field(True, title="Header line")
    """Whether the first line names the columns; otherwise they are column_1, column_2 and so on."""
    types: Literal["infer", "text"] = "infer"
    """Whether to recognise numbers and true/false, or leave every field as text."""
    on_bad_row: BadRow = Field("fail", title="Bad rows")
    """What to do with a row of too few or too many fields: stop, leave it out, or keep it with null
    for missing fields and surplus ones as a list in the column _extra."""
    skip_lines: int = Field(0, ge=0, le=10_000)
    """Lines to pass over before the header, such as a title."""
    limit: int | None = Field(None, ge=1)
    """The most rows to read; all when empty."""

    _only: frozenset[str] | None = PrivateAttr(None)

    info = NodeInfo(
        category="source",
        icon="file-type-csv",
        title="Read CSV",
        output="rows",
        subtitle="{path}",
        ports={"rows": "The rows, with a field for each column."},
        aliases_en=("csv", "open", "load", "import", "spreadsheet", "excel", "table", "tsv"),
        aliases_zh=("读取", "导入", "表格", "逗号分隔", "打开文件", "电子表格"),
        cost="io",
        pure=False,
        deterministic=False,
        widgets={"path": "path"},
        zh=Zh(
            title="读取 CSV",
            summary="逐行读取 CSV 文件。",
            subtitle="{path}",
            settings={
                "path": ("文件", "相对于文件目录的路径。"),
                "delimiter": ("分隔符", "字段之间的符号；auto 会查看前几行自动判断。"),
                "encoding": ("编码", "字符的存储方式；auto 能识别 UTF-8、UTF-16、GB18030 等。"),
                "header": (
                    "首行是列名",
                    "首行是否写着列名；否则列名依次为 column_1、column_2 等。",
                ),
                "types": ("类型", "识别数字和真假值，还是全部保留为文本。"),
                "on_bad_row": (
                    "字段数不符的行",
                    "字段太少或太多时：停止、跳过，或保留（缺的为空值，多的放进 _extra 列）。",
                ),
                "skip_lines": ("跳过行数", "列名之前要跳过的行数，例如标题行。"),
                "limit": ("最多行数", "最多读取多少行；留空则全部读取。"),
            },
            ports={"rows": ("数据行", "各行数据，每列一个字段。")},
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> Iterator[Row]:
        """Yield the rows of the file."""
        path = to_read(self.path, ctx)
        options = CsvOptions(
            delimiter=self.delimiter,
            encoding=self.encoding,
            header=self.header,
            infer=self.types == "infer",
            on_bad_row=self.on_bad_row,
            skip_lines=self.skip_lines,
            limit=self.limit,
            only=self._only,
        )
        warn = ctx.logger.warning if ctx else lambda message: None
        if ctx and self._only is not None:
            names = ", ".join(sorted(self._only)) or "none"
            ctx.logger.info("Only the columns that something behind needs are read: %s.", names)
        yield from CsvReader(path, options, shown=self.path, warn=warn).rows()

    def row_work(self) -> RowWork:
        """Its rows have the same columns, unless uneven ones are kept; it can read a few only."""
        return RowWork("source", alike=self.on_bad_row != "keep", narrowed=self._narrowed)

    def _narrowed(self, columns: frozenset[str]) -> Self:
        node = self.model_copy()
        node._only = columns  # noqa: SLF001 - its own
        return node
