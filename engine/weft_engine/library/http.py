"""Requests to services over HTTP."""

import asyncio
import json
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, Self
from urllib.parse import quote

from pydantic import Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from weft_engine.errors import NodeError, ResourceError
from weft_engine.library import codes  # noqa: F401 - registers the codes
from weft_engine.library.environment import environment
from weft_engine.nodes.expressions import (
    CompiledTemplate,
    Expression,
    Template,
    compile_expression,
    compile_template,
)
from weft_engine.nodes.functions.texts import text as as_text
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import Json, Row

_WITH_BODY: Final[JsonDict] = {"x-visible-if": {"method": ["POST", "PUT", "PATCH", "DELETE"]}}
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_KEY: Final = "Idempotency-Key"
_KEYED: Final = frozenset({"POST", "PATCH"})
"""A service can tell by the key that such a request is sent again, after a crash say."""
_SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
_LONGEST_WAIT = 30.0


class Request(NamedTuple):
    """A request, filled in for one record."""

    method: str
    url: str
    headers: dict[str, str]
    query: dict[str, str] | None
    json: Any
    content: str | None


class HttpRequest(NodeType):
    """Send an HTTP request and give the answer.

    Wired to a stream it sends one request for each record, several at a time, and gives the answers
    in the order of the records. A service that is busy (429) or failing (5xx) is asked again after
    a while; what may change something there is repeated only when it was not accepted. Addresses
    inside the own network are refused unless the administrator allows them.

    >>> node = HttpRequest(url="https://example.com/items/{{ item.id }}", query={"full": "yes"})
    >>> node.fill({"id": 7}).url
    'https://example.com/items/7'
    """

    type: Literal["http.request"] = "http.request"
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "GET"
    """What is asked for."""
    url: Template = Field(min_length=1, max_length=4000, title="Address")
    """The address; what stands between {{ and }} is filled in for each record, with characters that
    mean something in an address encoded."""
    query: dict[str, Template] = Field({}, max_length=100, title="Query parameters")
    """Parameters behind the address."""
    headers: dict[str, Template] = Field({}, max_length=100)
    """Headers to send along. POST and PATCH have an Idempotency-Key, the same on every attempt of
    one record, by which a service knows what it has done already."""
    json_body: Expression | None = Field(None, title="JSON body", json_schema_extra=_WITH_BODY)
    """The body as JSON: an expression such as {"id": item.id}."""
    text_body: Template | None = Field(None, title="Text body", json_schema_extra=_WITH_BODY)
    """The body as text, instead of JSON."""
    response: Literal["auto", "json", "text"] = Field("auto", title="Read the answer as")
    """How to read the answer; auto goes by what the service says it is."""
    on_status: Literal["fail", "give"] = Field("fail", title="On error status")
    """What to do with an answer of status 400 and above: stop, or give it like any other."""
    retries: int = Field(2, ge=0, le=10)
    """How often to ask again when the service is busy or failing."""
    timeout_s: float = Field(30, gt=0, le=600, title="Timeout (seconds)")
    """The longest time for one request, in seconds."""
    concurrency: int = Field(4, ge=1, le=16)
    """How many requests may be under way at the same time."""
    max_megabytes: int = Field(10, ge=1, le=100, title="Largest answer (MB)")
    """The largest answer."""

    info = NodeInfo(
        category="source",
        icon="api",
        title="HTTP request",
        output="response",
        subtitle="{method} {url}",
        ports={
            "item": "The record to fill the address and body in with.",
            "response": "The answer: url, status, ok, headers, body, duration_ms and the record.",
        },
        aliases_en=("api", "rest", "web", "fetch", "download", "curl", "get", "post", "webhook"),
        aliases_zh=("接口", "请求", "网络", "调用接口", "抓取", "下载"),
        pure=False,
        deterministic=False,
        effects=True,
        cost="io",
        widgets={"url": "url", "json_body": "expression", "text_body": "template"},
        zh=Zh(
            title="HTTP 请求",
            summary="发送 HTTP 请求并给出响应。",
            subtitle="{method} {url}",
            settings={
                "method": ("方法", "请求的类型。"),
                "url": ("地址", "请求的地址；{{ 和 }} 之间的部分按每条记录填写。"),
                "query": ("查询参数", "附在地址后面的参数。"),
                "headers": (
                    "请求头",
                    "随请求发送的头部。POST 和 PATCH 会带上 Idempotency-Key，"
                    "同一条记录的每次尝试都相同，服务可据此识别重复的请求。",
                ),
                "json_body": ("JSON 正文", '请求正文：一个表达式，例如 {"id": item.id}。'),
                "text_body": ("文本正文", "用文本代替 JSON 作为请求正文。"),
                "response": ("读取方式", "怎样读取响应；auto 按服务声明的类型判断。"),
                "on_status": ("错误状态", "状态码为 400 及以上时：报错停止，或照常给出。"),
                "retries": ("重试次数", "服务繁忙或出错时再请求几次。"),
                "timeout_s": ("时限（秒）", "一次请求最长多久。"),
                "concurrency": ("并发数", "同时最多进行多少个请求。"),
                "max_megabytes": ("最大兆字节数", "响应最大可以多大。"),
            },
            ports={
                "item": ("记录", "用来填写地址和正文的记录。"),
                "response": (
                    "响应",
                    "响应：url、status、ok、headers、body、duration_ms 和记录 record。",
                ),
            },
        ),
    )

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.json_body is not None and self.text_body is not None:
            raise PydanticCustomError("body_twice", "give the body as JSON or as text, not both")
        return self

    async def process(self, item: Json = None, ctx: NodeContext | None = None) -> Row:
        """Send the request of one record and return the answer."""
        if ctx is None:
            raise NodeError("A request needs a run to be sent from.", code="http.unreachable")
        request = self.fill(item, ctx)
        async with self._turn:
            return await self._send(request, item, ctx)

    def fill(self, item: Any, ctx: NodeContext | None = None) -> Request:
        """Return the request for one record."""
        env = environment(ctx)

        def filled(template: str) -> str:
            return str(compile_template(template)(item, env))

        return Request(
            method=self.method,
            url=_fill_url(compile_template(self.url), item, env),
            headers=self._keyed({name: filled(text) for name, text in self.headers.items()}, ctx),
            query={name: filled(text) for name, text in self.query.items()} or None,
            json=compile_expression(self.json_body)(item, env) if self.json_body else None,
            content=filled(self.text_body) if self.text_body else None,
        )

    def _keyed(self, headers: dict[str, str], ctx: NodeContext | None) -> dict[str, str]:
        """The headers, with a key that stays the same however often the request is sent."""
        given = any(name.lower() == _KEY.lower() for name in headers)
        if ctx is None or given or self.method not in _KEYED:
            return headers
        return {**headers, _KEY: ctx.idempotency_key}

    @cached_property
    def _turn(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self.concurrency)

    async def _send(self, request: Request, record: Any, ctx: NodeContext) -> Row:
        started = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            last = attempt > self.retries
            try:
                answer = await self._ask(request, ctx)
            except ResourceError as error:
                if last or not error.retryable or request.method not in _SAFE_TO_REPEAT:
                    raise
                wait = _wait(attempt, None)
            else:
                if last or not _again(request.method, answer.status):
                    return self._row(request, answer, time.monotonic() - started, record)
                wait = _wait(attempt, answer.headers.get("retry-after"))
            ctx.logger.warning("Attempt %d failed; trying again in %.1f s.", attempt, wait)
            await asyncio.sleep(wait)

    async def _ask(self, request: Request, ctx: NodeContext) -> Any:
        return await ctx.http.request(
            request.method,
            request.url,
            headers=request.headers,
            params=request.query,
            json=request.json,
            content=request.content,
            timeout_s=self.timeout_s,
            max_bytes=self.max_megabytes * 1024 * 1024,
        )

    def _row(self, request: Request, answer: Any, seconds: float, record: Any) -> Row:
        if answer.status >= 400 and self.on_status == "fail":
            raise _refused(request, answer)
        row: Row = {
            "url": answer.url,
            "status": answer.status,
            "ok": answer.status < 400,
            "headers": dict(answer.headers),
            "body": self._body(answer),
            "duration_ms": round(seconds * 1000, 1),
        }
        return row if record is None else {**row, "record": record}

    def _body(self, answer: Any) -> Any:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        is_json = kind == "application/json" or kind.endswith("+json")
        if self.response == "text" or (self.response == "auto" and not is_json):
            return answer.text
        if not answer.body.strip():
            return None
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise NodeError(
                f"The answer of {answer.url.partition('?')[0]} is not valid JSON.",
                code="http.bad_body",
                hint="Read the answer as text to see what it is.",
                params={"url": answer.url.partition("?")[0], "status": answer.status, "type": kind},
            ) from error


def _fill_url(template: CompiledTemplate, item: Any, env: Mapping[str, Any]) -> str:
    """Fill in an address; values behind the host cannot break out of their place.

    >>> template = compile_template("https://example.com/q/{{ item }}?a={{ item }}")
    >>> _fill_url(template, "a b/c?d", {})
    'https://example.com/q/a%20b/c%3Fd?a=a%20b%2Fc%3Fd'
    """
    url = ""
    for part in template.parts:
        if isinstance(part, str):
            url += part.lstrip() if not url else part
            continue
        text = as_text(part.function(item, env))
        behind_host = "/" in url.partition("://")[2]
        url += quote(text, safe="" if "?" in url else "/") if behind_host else text
    return url.strip()


def _again(method: str, status: int) -> bool:
    """Tell whether asking again may help; 429 and 503 mean that nothing has been done yet."""
    return status in _LATER and (method in _SAFE_TO_REPEAT or status in {429, 503})


def _wait(attempt: int, retry_after: str | None) -> float:
    if retry_after and retry_after.strip().isdigit():
        return min(float(retry_after), _LONGEST_WAIT)
    return float(min(0.5 * 2 ** (attempt - 1), _LONGEST_WAIT))


def _refused(request: Request, answer: Any) -> ResourceError:
    hints = {
        401: "The service wants to know who asks: add the header it expects.",
        403: "The service does not allow this; check the key or the rights behind it.",
        404: "Check the address; the service has nothing there.",
        429: "The service is asked too often: lower the concurrency or wait longer.",
    }
    default = "Try again later." if answer.status >= 500 else "Look at the answer for the reason."
    return ResourceError(
        f"{request.method} {answer.url.partition('?')[0]} was answered with {answer.status}.",
        code="http.status",
        hint=hints.get(answer.status, default),
        params={"status": answer.status, "answer": answer.text[:300]},
        retryable=answer.status in _LATER,
    )
