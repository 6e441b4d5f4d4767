"""Working on columns: choosing and renaming, filling gaps, cleaning texts, dropping duplicates."""

from typing import Any, Literal, TypeVar

from pydantic import Field, JsonValue

from weft_engine.kernel.stream import DataStream
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.cleaning import STEPS, Step
from weft_engine.library.columns import ColumnName, Key, as_row, group_key, unknown_column, value
from weft_engine.nodes.node_type import ALWAYS, NodeInfo, NodeType, Zh
from weft_engine.nodes.row_work import RowWork
from weft_engine.nodes.types import Row

T = TypeVar("T")


class Columns(NodeType):
    """Choose, rename, order and drop columns.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> rows = env.from_collection([{"id": 1, "E-mail": "a@example.com", "note": ""}])
    >>> env.run(Columns(select=["E-mail", "id"], rename={"E-mail": "email"}).build(rows))
    [{'email': 'a@example.com', 'id': 1}]
    """

    type: Literal["data.columns"] = "data.columns"
    select: list[ColumnName] = Field([], max_length=500, title="Keep")
    """The columns to keep, in order; all when empty."""
    drop: list[ColumnName] = Field([], max_length=500)
    """Columns to leave out."""
    rename: dict[str, str] = Field({}, max_length=500)
    """New names by old name."""

    info = NodeInfo(
        category="process",
        icon="columns",
        title="Columns",
        output="rows",
        subtitle="{select}",
        ports={"rows": "The rows; the output has the chosen columns."},
        aliases_en=("select", "rename", "reorder", "drop", "project", "fields", "pick"),
        aliases_zh=("选择列", "重命名", "排列", "删除列", "字段"),
        widgets={"select": "columns", "drop": "columns"},
        single_when=ALWAYS,
        zh=Zh(
            title="选择列",
            summary="选择、重命名、排列和去掉列。",
            subtitle="{select}",
            settings={
                "select": ("保留的列", "要保留的列及其顺序；留空表示全部。"),
                "drop": ("去掉的列", "不要的列。"),
                "rename": ("重命名", "按原名给出新列名。"),
            },
            ports={"rows": ("数据行", "各行数据；输出只含选中的列。")},
        ),
    )

    def build(self, rows: DataStream[Row]) -> DataStream[Row]:
        """Add the change to the stream."""
        needed = [*self.drop, *self.rename]
        dropped, rename = set(self.drop), self.rename

        def change(item: Any) -> Row:
            row = as_row(item)
            for column in needed:
                if column not in row:
                    raise unknown_column(column, row)
            names = self.select or list(row)
            return {
                rename.get(name, name): value(row, name) for name in names if name not in dropped
            }

        return rows.map(change, name="columns")

    def row_work(self) -> RowWork:
        """It lets the chosen columns through, and needs all that it names."""
        changed = {*self.drop, *self.rename}
        return RowWork(
            "each",
            reads=frozenset(changed).union(self.select),
            makes=frozenset(changed).union(self.rename.values()),
            passes=frozenset(self.select) if self.select else None,
            fails_alike=True,
            alike=True,
        )


class Fill(NodeType):
    """Fill gaps: give a value to columns that are null or missing.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> rows = env.from_collection([{"city": None}, {"city": "Cork"}])
    >>> env.run(Fill(values={"city": "unknown"}).build(rows))
    [{'city': 'unknown'}, {'city': 'Cork'}]
    """

    type: Literal["data.fill"] = "data.fill"
    values: dict[str, JsonValue] = Field(min_length=1)
    """What to put into each column."""
    empty_text: bool = Field(True, title="Blank text too")
    """Whether a text without a visible character counts as a gap."""

    info = NodeInfo(
        category="process",
        icon="bucket",
        title="Fill gaps",
        output="rows",
        subtitle="{values}",
        ports={"rows": "The rows; in the output the gaps are filled."},
        aliases_en=("null", "missing", "default", "coalesce", "replace empty", "fillna"),
        aliases_zh=("空值", "缺失值", "默认值", "补全", "替换空值"),
        zh=Zh(
            title="填补空值",
            summary="为空或缺少的列填上指定的值。",
            subtitle="{values}",
            settings={
                "values": ("填补的值", "每一列填什么。"),
                "empty_text": ("空白文本也算", "没有可见字符的文本是否也算空值。"),
            },
            ports={"rows": ("数据行", "各行数据；输出中空值已填好。")},
        ),
    )

    def build(self, rows: DataStream[Row]) -> DataStream[Row]:
        """Add the filling to the stream."""
        blank_too, values = self.empty_text, self.values

        def fill(item: Any) -> Row:
            row = dict(as_row(item))
            for column, filling in values.items():
                found = row.get(column)
                if found is None or (blank_too and isinstance(found, str) and not found.strip()):
                    row[column] = filling
            return row

        return rows.map(fill, name="fill")

    def row_work(self) -> RowWork:
        """It changes the columns that it fills."""
        columns = frozenset(self.values)
        plain = not any(isinstance(filling, list | dict) for filling in self.values.values())
        return RowWork("each", reads=columns, makes=columns, fails_alike=True, alike=plain)


class Clean(NodeType):
    """Clean texts: stray spaces, capitals, e-mail addresses, telephone numbers.

    The steps are done in the order given. An e-mail address or telephone number that cannot be one
    becomes null. Values that are not texts stay as they are.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> rows = env.from_collection([{"name": "  ADA   lovelace "}])
    >>> env.run(Clean(columns=["name"], steps=["collapse_spaces", "title"]).build(rows))
    [{'name': 'Ada Lovelace'}]
    """

    type: Literal["data.clean"] = "data.clean"
    columns: list[ColumnName] = Field([], max_length=500)
    """The columns to clean; every text when empty."""
    steps: list[Step] = Field(["collapse_spaces"], min_length=1, max_length=20)
    """What to do, in order: trim or collapse spaces, change capitals, turn full-width letters into
    ordinary ones, normalise e-mail addresses or telephone numbers, keep digits, empty to null."""

    info = NodeInfo(
        category="process",
        icon="eraser",
        title="Clean texts",
        output="rows",
        subtitle="{steps}",
        ports={"rows": "The rows; in the output the texts are clean."},
        aliases_en=(
            "trim",
            "strip",
            "normalise",
            "lowercase",
            "email",
            "phone",
            "tidy",
            "whitespace",
        ),
        aliases_zh=("清洗", "去空格", "规范化", "大小写", "邮箱", "电话", "整理"),
        widgets={"columns": "columns"},
        zh=Zh(
            title="清洗文本",
            summary="清理多余空格、大小写、邮箱地址和电话号码。",
            subtitle="{steps}",
            settings={
                "columns": ("列", "要清洗的列；留空表示所有文本。"),
                "steps": (
                    "步骤",
                    "依次执行：去掉或合并空格、改大小写、全角转半角、规范邮箱或电话、"
                    "只留数字、空文本变空值。",
                ),
            },
            ports={"rows": ("数据行", "各行数据；输出中的文本已清洗。")},
        ),
    )

    def build(self, rows: DataStream[Row]) -> DataStream[Row]:
        """Add the cleaning to the stream."""
        steps = [STEPS[step] for step in self.steps]

        def clean_text(text: Any) -> Any:
            for step in steps:
                if not isinstance(text, str):
                    break
                text = step(text)
            return text

        def clean(item: Any) -> Row:
            row = dict(as_row(item))
            for column in self.columns or list(row):
                row[column] = clean_text(value(row, column))
            return row

        return rows.map(clean, name="clean")

    def row_work(self) -> RowWork:
        """It changes the columns that it cleans."""
        columns = frozenset(self.columns)
        return RowWork(
            "each",
            reads=columns or None,
            makes=columns,
            passes=None if columns else frozenset(),
            fails_alike=True,
            alike=True,
        )


class Unique(NodeType):
    """Keep one record of those that are alike.

    >>> from weft_engine.kernel.environment import LocalEnvironment
    >>> env = LocalEnvironment()
    >>> rows = env.from_collection([{"id": 1, "v": "a"}, {"id": 2, "v": "b"}, {"id": 1, "v": "c"}])
    >>> env.run(Unique(by=["id"], keep="last").build(rows))
    [{'id': 1, 'v': 'c'}, {'id': 2, 'v': 'b'}]
    """

    type: Literal["data.unique"] = "data.unique"
    by: list[ColumnName] = Field([], max_length=500, title="Columns")
    """The columns that must be alike; the whole record when empty."""
    keep: Literal["first", "last"] = "first"
    """Which of the records to keep; it stands where the first of them stood."""
    keep_null: bool = Field(True, title="Keep rows with null")
    """Whether to keep every record whose columns are all null, instead of one of them."""

    info = NodeInfo(
        category="process",
        icon="layers-intersect",
        title="Unique",
        output="rows",
        subtitle="by {by}",
        ports={"rows": "The records; the output has no two that are alike."},
        aliases_en=("distinct", "duplicates", "deduplicate", "dedupe", "drop duplicates"),
        aliases_zh=("去重", "重复", "唯一", "不重复"),
        widgets={"by": "columns"},
        zh=Zh(
            title="去重",
            summary="相同的记录只保留一条。",
            subtitle="按 {by}",
            settings={
                "by": ("依据的列", "哪些列相同就算重复；留空则比较整条记录。"),
                "keep": ("保留哪一条", "保留重复记录中的哪一条；位置以第一条为准。"),
                "keep_null": ("保留空值", "这些列全为空的记录是否全部保留，而不是只留一条。"),
            },
            ports={"rows": ("数据行", "记录；输出中没有重复。")},
        ),
    )

    def build(self, rows: DataStream[T]) -> DataStream[T]:
        """Add the choice to the stream."""
        if self.keep == "first":
            return rows.distinct(self._key, name="unique")
        return rows.key_by(self._key).reduce_all(lambda _, later: later, name="unique")

    def row_work(self) -> RowWork:
        """It chooses by its columns."""
        columns = frozenset(self.by)
        return RowWork("unique", reads=columns or None, fails_alike=True, alike=True)

    def _key(self, item: Any) -> Key:
        if not self.by:
            return group_key([item])
        values = [value(item, name) for name in self.by]
        if self.keep_null and all(found is None for found in values):
            return (object(),)  # like no other
        return group_key(values)
