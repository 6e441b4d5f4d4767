"""Splitting texts into chunks and into words."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.columns import group_key
from weft_engine.library.splitting import Boundary, chunks
from weft_engine.library.texts import source_of, text_of
from weft_engine.library.words import count_words
from weft_engine.nodes.node_type import NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Chunk, Document, Row, Text


class Split(NodeType):
    """Split text into overlapping chunks.

    It is cut where it may be cut: between sections, paragraphs, sentences or words, and only if
    nothing else helps within a word. A chunk of a document knows which it comes from and where.

    >>> split = Split(size=12, overlap=0, by="sentence")
    >>> [chunk["text"] for chunk in split.process("One. Two. Three.")]
    ['One. Two.', 'Three.']
    """

    type: Literal["text.split"] = "text.split"
    size: int = Field(800, ge=1, le=1_000_000, title="Longest chunk")
    """Longest chunk, in characters."""
    overlap: int = Field(100, ge=0, le=500_000)
    """Characters that neighbouring chunks share at most."""
    by: Boundary = Field("paragraph", title="Cut at")
    """Where to cut if possible; finer places are used for what is too long."""

    info = NodeInfo(
        category="process",
        icon="cut",
        title="Split text",
        output="chunks",
        subtitle="{size} characters by {by}",
        ports={
            "text": "A text, or a document.",
            "chunks": "The chunks: text, index, start and end, and the document they are from.",
        },
        aliases_en=("chunk", "chunking", "segment", "paragraphs", "sentences", "rag", "splitter"),
        aliases_zh=("切分", "分块", "分段", "分句", "拆分"),
        zh=Zh(
            title="切分文本",
            summary="把文本切成互相重叠的小块。",
            subtitle="每块 {size} 字，按 {by}",
            settings={
                "size": ("长度", "每块最多多少个字符。"),
                "overlap": ("重叠", "相邻两块最多共有多少个字符。"),
                "by": ("切分位置", "尽量在哪里切开；仍然太长时在更细的位置切。"),
            },
            ports={
                "text": ("文本", "一段文本，或一个文档。"),
                "chunks": ("文本块", "切出的块：文本、序号、起止位置，以及来自哪个文档。"),
            },
        ),
    )

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.overlap >= self.size:
            raise PydanticCustomError(
                "overlap_too_large", "the overlap must be smaller than the size"
            )
        return self

    def process(self, text: Text | Document) -> Iterator[Chunk]:
        """Yield the chunks."""
        content, source = text_of(text), source_of(text)
        spans = chunks(content, size=self.size, overlap=self.overlap, boundary=self.by)
        for index, (start, end) in enumerate(spans):
            chunk: Chunk = {"text": content[start:end], "index": index, "start": start, "end": end}
            yield {**source, **chunk}


class Words(NodeType):
    """Count the words of a text, for an index or a list of keywords.

    English words are written small and without 's; Chinese text is counted in pairs of characters.
    The most frequent come first, equally frequent ones in alphabetical order.

    >>> for row in Words().process("Dry the tent. A wet tent is heavy."):
    ...     print(row["word"], row["count"])
    tent 2
    dry 1
    heavy 1
    wet 1
    """

    type: Literal["text.words"] = "text.words"
    shortest: int = Field(2, ge=1, le=50, title="Shortest word")
    """Letters a word has at least; Chinese pairs always count."""
    stop_words: bool = True
    """Whether to leave out words such as the, and, 的, 了."""
    top: int | None = Field(None, ge=1, title="Most frequent only")
    """How many words of each text to give, the most frequent; all when empty."""

    info = NodeInfo(
        category="process",
        icon="abc",
        title="Count words",
        output="rows",
        subtitle="at least {shortest} letters",
        ports={
            "text": "A text, a document or a chunk.",
            "rows": "One row for each word: word, count, and the document it is from.",
        },
        aliases_en=("keywords", "terms", "frequency", "tokenize", "index", "bag of words"),
        aliases_zh=("词频", "关键词", "分词", "索引", "统计词语"),
        zh=Zh(
            title="统计词语",
            summary="统计文本中的词语，用于建立索引或找出关键词。",
            subtitle="至少 {shortest} 个字母",
            settings={
                "shortest": ("最短长度", "单词至少几个字母；中文的两字组合总是计入。"),
                "stop_words": ("去掉虚词", "是否略过 the、and、的、了 之类的词。"),
                "top": ("最多词数", "每段文本给出多少个最常见的词；留空则全部给出。"),
            },
            ports={
                "text": ("文本", "一段文本、一个文档或一个块。"),
                "rows": ("数据行", "每个词一行：词语、次数，以及来自哪个文档。"),
            },
        ),
    )

    def process(self, text: Text | Document) -> Iterator[Row]:
        """Yield the words with their counts."""
        counted = count_words(text_of(text), shortest=self.shortest, stop_words=self.stop_words)
        ordered = sorted(counted.items(), key=lambda pair: (-pair[1], group_key([pair[0]])))
        origin = source_of(text)
        for word, count in ordered[: self.top]:
            row: Row = {"word": word, "count": count}
            if "document" in origin:
                row["document"] = origin["document"]
            yield row
