"""What a node type is, what it is described by, and which ones are installed."""

from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.expressions import Expression, Template
from weft_engine.nodes.node_type import SKIP, NodeContext, NodeInfo, NodeType, SettingGroup, Zh
from weft_engine.nodes.types import (
    Any,
    Bool,
    Chunk,
    Date,
    Document,
    Embedding,
    File,
    Html,
    Image,
    Json,
    Message,
    Number,
    Row,
    Table,
    Text,
)

__all__ = [
    "SKIP",
    "Any",
    "Bool",
    "Catalogue",
    "Chunk",
    "Date",
    "Document",
    "Embedding",
    "Expression",
    "File",
    "Html",
    "Image",
    "Json",
    "Message",
    "NodeContext",
    "NodeInfo",
    "NodeType",
    "Number",
    "Row",
    "SettingGroup",
    "Table",
    "Template",
    "Text",
    "Zh",
]
