"""Making a text from data, and data from a text."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

import regex
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from weft_engine.errors import NodeError
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.columns import ColumnName
from weft_engine.library.environment import environment
from weft_engine.library.texts import text_of
from weft_engine.nodes.expressions import CompiledTemplate, Template, compile_template
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Json, Row, Text

_NUMBER = regex.compile(r"[+-]?\d{1,300}(\.\d+)?")


class FillTemplate(NodeType):
    """Fill in a text template with the values of a record.

    >>> FillTemplate(template="Dear {{ item.name }},").process({"name": "Ada"})
    'Dear Ada,'
    """

    type: Literal["text.template"] = "text.template"
    template: Template
    """The text; what stands between {{ and }} is computed for each record."""

    info = NodeInfo(
        category="process",
        icon="writing-sign",
        title="Template",
        output="text",
        subtitle="{template}",
        ports={"item": "The record whose values are filled in.", "text": "The finished text."},
        aliases_en=("format", "compose", "prompt", "letter", "message", "render", "string"),
        aliases_zh=("模板", "格式化", "拼接", "提示词", "生成文本"),
        zh=Zh(
            title="文本模板",
            summary="把记录中的值填入文本模板。",
            subtitle="{template}",
            settings={"template": ("模板", "文本内容；{{ 和 }} 之间的部分按每条记录计算。")},
            ports={"item": ("记录", "用来填充的记录。"), "text": ("文本", "填好的文本。")},
        ),
    )

    def process(self, item: Json, ctx: NodeContext | None = None) -> Text:
        """Return the text."""
        return self._compiled(item, environment(ctx))

    def process_batch(self, item: list[Json], ctx: NodeContext | None = None) -> list[Text]:
        """Return the texts; what does not depend on the record is looked up once."""
        env, compiled = environment(ctx), self._compiled
        return [compiled(each, env) for each in item]

    @cached_property
    def _compiled(self) -> CompiledTemplate:
        return compile_template(self.template)


def _check_pattern(pattern: str) -> str:
    try:
        found = regex.compile(pattern)
    except regex.error as error:
        raise PydanticCustomError(
            "pattern_malformed", "the pattern is not valid: {error}", {"error": str(error)}
        ) from None
    if not found.groupindex:
        raise PydanticCustomError(
            "pattern_no_groups", "the pattern needs named groups, such as (?P<year>\\d{4})"
        )
    return pattern


class Extract(NodeType):
    r"""Extract columns from text with a pattern.

    Every named group of the regular expression becomes a column. A row keeps its other columns.

    >>> pattern = r"(?P<method>[A-Z]+) (?P<path>\S+) (?P<status>\d+)"
    >>> list(Extract(pattern=pattern, numbers=["status"]).process("GET /cart 200"))
    [{'method': 'GET', 'path': '/cart', 'status': 200}]
    """

    type: Literal["text.extract"] = "text.extract"
    pattern: Annotated[str, AfterValidator(_check_pattern)] = Field(min_length=1, max_length=4000)
    """A regular expression with named groups, such as (?P<year>\\d{4})-(?P<month>\\d\\d)."""
    column: str = "text"
    """The column the text is in, when records are rows."""
    find: Literal["first", "all"] = "first"
    """The first match of each text, or a row for every match."""
    no_match: Literal["skip", "null", "fail"] = Field("skip", title="Without a match")
    """What to do with a text without a match: leave it out, give nulls, or stop."""
    numbers: list[ColumnName] = Field([], max_length=500)
    """Groups to read as numbers; what is not a number becomes null."""
    ignore_case: bool = False
    """Whether capitals and small letters are the same."""
    timeout_ms: int = Field(1000, ge=10, le=60_000, title="Timeout (ms)")
    """The longest time the pattern may take for one text."""

    info = NodeInfo(
        category="process",
        icon="regex",
        title="Extract",
        output="rows",
        subtitle="{pattern}",
        ports={"text": "A text, or a row with a text.", "rows": "What was found, as columns."},
        aliases_en=("regex", "regular expression", "parse", "match", "pattern", "log", "capture"),
        aliases_zh=("正则", "提取", "解析", "匹配", "日志"),
        widgets={"pattern": "code", "numbers": "columns"},
        zh=Zh(
            title="提取字段",
            summary="用正则表达式从文本中提取字段。",
            subtitle="{pattern}",
            settings={
                "pattern": (
                    "模式",
                    "带命名组的正则表达式，例如 (?P<year>\\d{4})-(?P<month>\\d\\d)。",
                ),
                "column": ("列", "记录是行时，文本在哪一列。"),
                "find": ("匹配", "每段文本取第一处匹配，还是每处匹配一行。"),
                "no_match": ("没有匹配时", "跳过、给出空值，或报错停止。"),
                "numbers": ("数字", "哪些组按数字读取；不是数字的变为空值。"),
                "ignore_case": ("忽略大小写", "大小写是否视为相同。"),
                "timeout_ms": ("时限（毫秒）", "一段文本最多匹配多长时间。"),
            },
            ports={
                "text": ("文本", "一段文本，或含有文本的行。"),
                "rows": ("数据行", "提取到的字段。"),
            },
        ),
    )

    @model_validator(mode="after")
    def _groups(self) -> Self:
        unknown = set(self.numbers) - set(self._compiled.groupindex)
        if unknown:
            raise PydanticCustomError(
                "pattern_no_such_group",
                "the pattern has no group '{name}'",
                {"name": min(unknown)},
            )
        return self

    def process(self, text: Json) -> Iterator[Row]:
        """Yield a row for each match."""
        content = text_of(text, self.column)
        outer = dict(text) if isinstance(text, Mapping) else {}
        found = False
        try:
            for match in self._compiled.finditer(content, timeout=self.timeout_ms / 1000):
                found = True
                yield outer | self._columns(match.groupdict())
                if self.find == "first":
                    return
        except TimeoutError as error:
            raise self._too_slow(content) from error
        if not found and self.no_match == "fail":
            raise self._no_match(content)
        if not found and self.no_match == "null":
            yield outer | dict.fromkeys(self._compiled.groupindex)

    @cached_property
    def _compiled(self) -> "regex.Pattern[str]":
        flags = regex.IGNORECASE if self.ignore_case else 0
        return regex.compile(self.pattern, flags)

    def _columns(self, groups: Row) -> Row:
        for name in self.numbers:
            if name in groups:
                groups[name] = _number(groups[name])
        return groups

    def _too_slow(self, content: str) -> NodeError:
        return NodeError(
            f"The pattern took longer than {self.timeout_ms} ms on a text of "
            f"{len(content):,} characters.",
            code="text.pattern_timeout",
            hint="Avoid nested repetitions such as (a+)+, or begin the pattern more exactly.",
            params={"timeout_ms": self.timeout_ms, "characters": len(content)},
        )

    def _no_match(self, content: str) -> NodeError:
        return NodeError(
            f"The pattern does not match {content[:80]!r}.",
            code="text.no_match",
            hint="Correct the pattern, or choose to leave out texts without a match.",
            params={"text": content[:80]},
        )


def _number(text: str | None) -> int | float | None:
    if text is None or not _NUMBER.fullmatch(text.strip()):
        return None
    return float(text) if "." in text else int(text)
