"""Reading texts: a whole file, its lines, or a folder of documents."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from weft_engine.errors import NodeError
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.encodings import Encoding, bad_bytes, read_text, resolve
from weft_engine.library.paths import to_read
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Document, Text

_MEGABYTE = 1024 * 1024
_LONGEST_LINE = 10_000_000
_WILD = frozenset("*?[")

_ENCODING_ZH = ("编码", "字符的存储方式；auto 能识别 UTF-8、UTF-16、GB18030 等。")


class ReadText(NodeType):
    r"""Read a whole text file as one text.

    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile("w", suffix=".txt") as file:
    ...     print("Hello", file=file, flush=True)
    ...     ReadText(path=file.name).process()
    'Hello\n'
    """

    type: Literal["file.read_text"] = "file.read_text"
    path: str = Field(min_length=1, max_length=1000, title="File")
    """The file, relative to the folder of files."""
    encoding: Encoding = "auto"
    """How the characters are stored; auto recognises UTF-8, UTF-16, GB18030 and others."""
    max_megabytes: int = Field(20, ge=1, le=500, title="Largest size (MB)")
    """The largest file to read at once; longer ones are for Read lines."""

    info = NodeInfo(
        category="source",
        icon="file-text",
        title="Read text",
        output="text",
        subtitle="{path}",
        ports={"text": "The content of the file."},
        aliases_en=("txt", "markdown", "open", "load", "file", "content"),
        aliases_zh=("读取", "打开文件", "文本文件", "内容"),
        cost="io",
        pure=False,
        deterministic=False,
        widgets={"path": "path"},
        zh=Zh(
            title="读取文本",
            summary="把整个文本文件读成一段文本。",
            subtitle="{path}",
            settings={
                "path": ("文件", "相对于文件目录的路径。"),
                "encoding": _ENCODING_ZH,
                "max_megabytes": ("最大兆字节数", "一次最多读多大的文件；更大的请用“逐行读取”。"),
            },
            ports={"text": ("文本", "文件的内容。")},
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> Text:
        """Return the content of the file."""
        path = to_read(self.path, ctx)
        limit = self.max_megabytes * _MEGABYTE
        return read_text(path, self.encoding, shown=self.path, limit=limit)


class ReadLines(NodeType):
    r"""Read a text file line by line, such as a log of any size.

    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile("w", suffix=".log") as file:
    ...     print("started\n\nstopped", file=file, flush=True)
    ...     list(ReadLines(path=file.name).process())
    ['started', 'stopped']
    """

    type: Literal["file.read_lines"] = "file.read_lines"
    path: str = Field(min_length=1, max_length=1000, title="File")
    """The file, relative to the folder of files."""
    encoding: Encoding = "auto"
    """How the characters are stored; auto recognises UTF-8, UTF-16, GB18030 and others."""
    skip_empty: bool = Field(True, title="Skip empty lines")
    """Whether to leave out lines without a visible character."""
    limit: int | None = Field(None, ge=1)
    """The most lines to read; all when empty."""

    info = NodeInfo(
        category="source",
        icon="list",
        title="Read lines",
        output="lines",
        subtitle="{path}",
        ports={"lines": "The lines, without their line ends."},
        aliases_en=("log", "text file", "tail", "open", "load", "jsonl"),
        aliases_zh=("日志", "按行读取", "文本文件", "打开文件"),
        cost="io",
        pure=False,
        deterministic=False,
        widgets={"path": "path"},
        zh=Zh(
            title="逐行读取",
            summary="逐行读取文本文件，例如任意大小的日志。",
            subtitle="{path}",
            settings={
                "path": ("文件", "相对于文件目录的路径。"),
                "encoding": _ENCODING_ZH,
                "skip_empty": ("跳过空行", "是否略过没有可见字符的行。"),
                "limit": ("最多行数", "最多读取多少行；留空则全部读取。"),
            },
            ports={"lines": ("文本行", "各行文本，不含换行符。")},
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> Iterator[Text]:
        """Yield the lines of the file."""
        path = to_read(self.path, ctx)
        lines = _lines(path, resolve(path, self.encoding), self.path)
        kept = (line for line in lines if not self.skip_empty or line.strip())
        yield from islice(kept, self.limit)


def _lines(path: Path, codec: str, shown: str) -> Iterator[str]:
    number = 0
    with path.open(encoding=codec) as file:
        try:
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if len(line) == _LONGEST_LINE:
                    raise NodeError(
                        f"{shown}, line {number} is longer than {_LONGEST_LINE:,} characters.",
                        code="file.too_large",
                        hint="This is hardly a file of lines; read it with Read text.",
                        params={"file": shown, "line": number, "limit": _LONGEST_LINE},
                    )
                yield line.rstrip("\n")
        except UnicodeDecodeError as error:
            raise bad_bytes(error, file=shown, line=number + 1) from error


class ReadDocuments(NodeType):
    r"""Read every text document of a folder, or those whose names match a pattern.

    Each becomes a record with its text, path and title: the first Markdown heading, else the name
    of the file. They come in the order of their paths.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "tents.md").write_text("# Tents\n\nKeep them dry.")
    ...     for document in ReadDocuments(path=folder).process():
    ...         print(document["id"], document["metadata"]["title"])
    tents.md Tents
    """

    type: Literal["file.read_documents"] = "file.read_documents"
    path: str = Field(min_length=1, max_length=1000, title="Folder or pattern")
    """A folder, or a pattern such as handbook/*.md; ** reaches into folders."""
    extensions: list[str] = Field([".md", ".txt", ".markdown", ".rst"], max_length=50)
    """Which files of a folder are documents, by the end of their names."""
    encoding: Encoding = "auto"
    """How the characters are stored; auto recognises UTF-8, UTF-16, GB18030 and others."""
    max_megabytes: int = Field(20, ge=1, le=500, title="Largest size (MB)")
    """The largest document to read."""
    limit: int | None = Field(None, ge=1)
    """The most documents to read; all when empty."""

    info = NodeInfo(
        category="source",
        icon="files",
        title="Read documents",
        output="documents",
        subtitle="{path}",
        ports={"documents": "The documents: text, id, source, and metadata with title and size."},
        aliases_en=("folder", "directory", "markdown", "glob", "corpus", "knowledge base", "rag"),
        aliases_zh=("文件夹", "目录", "知识库", "批量读取", "文档库"),
        cost="io",
        pure=False,
        deterministic=False,
        widgets={"path": "path"},
        zh=Zh(
            title="读取文档",
            summary="读取文件夹里的全部文本文档，或文件名符合模式的文档。",
            subtitle="{path}",
            settings={
                "path": ("路径", "一个文件夹，或 handbook/*.md 这样的模式；** 表示包括子文件夹。"),
                "extensions": ("扩展名", "文件夹中哪些文件算作文档，按文件名结尾判断。"),
                "encoding": _ENCODING_ZH,
                "max_megabytes": ("最大兆字节数", "单个文档最大可以多大。"),
                "limit": ("最多文档数", "最多读取多少个文档；留空则全部读取。"),
            },
            ports={"documents": ("文档", "文档：text、id、source，以及含标题和大小的 metadata。")},
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> Iterator[Document]:
        """Yield the documents."""
        base, pattern = _split_pattern(self.path)
        if ".." in pattern.split("/"):
            raise NodeError(
                f"{self.path} goes up behind a wildcard.",
                code="file.outside_root",
                hint="Write a pattern that only leads down, such as handbook/*.md.",
                params={"path": self.path},
            )
        folder = ctx.files.open_read(base) if ctx else Path(base)
        found = self._matches(folder, pattern)
        if not found:
            raise NodeError(
                f"No document matches {self.path}.",
                code="file.no_match",
                hint="Check the folder and the extensions; a pattern looks like handbook/*.md.",
                params={"path": self.path, "extensions": self.extensions},
            )
        for name in found[: self.limit]:
            yield self._read(folder, base, name, ctx)

    def _matches(self, folder: Path, pattern: str) -> list[str]:
        if folder.is_file():
            return [""]
        endings = tuple(ending.lower() for ending in self.extensions)
        paths = [path for path in folder.glob(pattern or "**/*") if path.is_file()]
        if not pattern:
            paths = [path for path in paths if path.name.lower().endswith(endings)]
        return sorted(path.relative_to(folder).as_posix() for path in paths)

    def _read(self, folder: Path, base: str, name: str, ctx: NodeContext | None) -> Document:
        source = os.path.join(base, name) if name else base  # noqa: PTH118 - a shown path
        # A link inside the folder may lead outside: every file is checked on its own.
        path = to_read(source, ctx) if ctx else folder / name
        limit = self.max_megabytes * _MEGABYTE
        text = read_text(path, self.encoding, shown=source, limit=limit)
        title = _heading(text) or PurePosixPath(source).stem
        return {
            "text": text,
            "id": name or PurePosixPath(source).name,
            "source": source,
            "metadata": {"title": title, "characters": len(text)},
        }


def _split_pattern(path: str) -> tuple[str, str]:
    """Divide a path into the folder before the first wildcard and the pattern behind it.

    >>> _split_pattern("docs/*/a.md"), _split_pattern("docs"), _split_pattern("*.md")
    (('docs', '*/a.md'), ('docs', ''), ('.', '*.md'))
    """
    parts = PurePosixPath(path.replace("\\", "/")).parts
    wild = next((i for i, part in enumerate(parts) if _WILD & set(part)), len(parts))
    base = PurePosixPath(*parts[:wild]) if wild else PurePosixPath()
    return str(base), "/".join(parts[wild:])


def _heading(text: str) -> str:
    line = next((line for line in text[:5000].splitlines() if line.startswith("# ")), "")
    return line.removeprefix("# ").strip()
