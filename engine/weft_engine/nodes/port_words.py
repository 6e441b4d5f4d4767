"""Port types in words, for messages that people read."""

from typing import Final

from weft_engine.nodes.port_type import PortType

_ONE: Final = {
    "Text": ("a text", "文本"),
    "Number": ("a number", "数字"),
    "Bool": ("true or false", "是或否"),
    "Date": ("a date", "日期"),
    "Json": ("data", "数据"),
    "Row": ("a row", "一行数据"),
    "Document": ("a document", "文档"),
    "Chunk": ("a piece of a document", "文档片段"),
    "Embedding": ("an embedding", "向量"),
    "Message": ("a message", "消息"),
    "Image": ("an image", "图片"),
    "File": ("a file", "文件"),
    "Html": ("an HTML page", "HTML 页面"),
    "Any": ("any value", "任意值"),
}
_MANY: Final = {
    "Text": "texts",
    "Number": "numbers",
    "Bool": "values that are true or false",
    "Date": "dates",
    "Json": "data",
    "Row": "rows",
    "Document": "documents",
    "Chunk": "pieces of documents",
    "Embedding": "embeddings",
    "Message": "messages",
    "Image": "images",
    "File": "files",
    "Html": "HTML pages",
    "Any": "any values",
}


def in_words(kind: PortType) -> str:
    """Name a type in plain English.

    >>> from weft_engine.nodes.port_type import parse
    >>> in_words(parse("Stream[Row]"))
    'a stream of rows'
    >>> in_words(parse("T"))
    'any value'
    """
    if kind.item is None:
        return _ONE.get(_name(kind), (kind.name, ""))[0]
    if kind.optional:
        return f"{in_words(kind.inner)} or nothing"
    if kind.stream:
        return f"a stream of {_many(kind.inner)}"
    return "a table of rows" if kind.inner.name == "Row" else f"a list of {_many(kind.inner)}"


def in_chinese(kind: PortType) -> str:
    """Name a type in plain Chinese.

    >>> from weft_engine.nodes.port_type import parse
    >>> in_chinese(parse("Stream[Row]"))
    '逐条的行'
    """
    if kind.item is None:
        return _ONE.get(_name(kind), ("", kind.name))[1]
    item = "行" if kind.inner.name == "Row" else in_chinese(kind.inner)
    if kind.optional:
        return f"{in_chinese(kind.inner)}（可为空）"
    if kind.stream:
        return f"逐条的{item}"
    return "表格" if kind.inner.name == "Row" else f"{item}列表"


def _many(kind: PortType) -> str:
    if kind.item is None:
        return _MANY.get(_name(kind), kind.name)
    if kind.optional:
        return f"{_many(kind.inner)}, some of them empty"
    return "tables" if kind.inner.name == "Row" else f"lists of {_many(kind.inner)}"


def _name(kind: PortType) -> str:
    return "Any" if kind.variable else kind.name
