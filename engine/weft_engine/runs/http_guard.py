"""HTTP for flows: only to public addresses, pinned while connecting, bounded in size and time.

A name is resolved once for every connection, every address it has is vetted, and the connection is
made to a vetted one, so neither a redirect nor a name that changes its mind leads elsewhere. The
certificate is still checked against the name.
"""

import asyncio
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import httpcore2
import httpx2

from weft_engine.errors import NodeError, ResourceError, WeftError
from weft_engine.kernel.io_loop import run_soon
from weft_engine.runs.addresses import AllowList, parse

MAX_BYTES: Final = 10 * 1024 * 1024
TIMEOUT_S: Final = 30.0
_RESOLVE_S: Final = 10.0
_MOST_REDIRECTS: Final = 5
_MOST_CONNECTIONS: Final = 20
_TRIED_ADDRESSES: Final = 3
_OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "upgrade"}
)

_TRAVELLING: Final = frozenset(
    {"host", "accept", "accept-encoding", "accept-language", "user-agent", "content-length",
     "content-type", "transfer-encoding", "connection"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a service answered."""

    status: int
    url: str
    """Where the answer came from, after redirects; without user and password."""
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the service was content."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text, in the encoding the service names."""
        kind = self.headers.get("content-type", "")
        charset = kind.partition("charset=")[2].partition(";")[0].strip(" \"'") or "utf-8"
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; ValueError when it is none."""
        return json.loads(self.body)


class HttpClient:
    """Sends requests for one run. Use it from asynchronous nodes: `await ctx.http.request(…)`."""

    def __init__(self, allow_hosts: Iterable[str] = ()) -> None:
        self._allow = AllowList.of(allow_hosts)
        self._client: _Client | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        content: str | bytes | None = None,
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = MAX_BYTES,
    ) -> HttpAnswer:
        """Send a request and read the whole answer, whatever its status.

        Raises:
            NodeError: `http.bad_url`, `http.address_refused`, `http.too_large`.
            ResourceError: `http.unreachable`, `http.timeout`, `http.too_many_redirects`,
                `http.bad_body`.
        """
        sent = {
            name: value
            for name, value in (headers or {}).items()
            if name.lower() not in _OWN_HEADERS
        }
        body: dict[str, Any] = {"json": json} if json is not None else {"content": content}
        try:
            target = httpx2.URL(url) if params is None else httpx2.URL(url, params=dict(params))
            async with asyncio.timeout(timeout_s):
                stream = self._open().stream(
                    method.upper(), _checked(target), headers=sent, timeout=timeout_s, **body
                )
                async with stream as answer:
                    return HttpAnswer(
                        status=answer.status_code,
                        url=str(answer.url.copy_with(userinfo=b"")),
                        headers={name.lower(): value for name, value in answer.headers.items()},
                        body=await _read(answer, max_bytes),
                    )
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as exc:
            raise _explain(exc, url, timeout_s) from exc

    async def aclose(self) -> None:
        """Close its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def close(self) -> None:
        """Close its connections, from any thread but that of the requests."""
        if self._client is not None:
            run_soon(self.aclose()).result(5)

    def _open(self) -> "_Client":
        if self._client is None:
            self._client = _Client(
                transport=_transport(self._allow),
                trust_env=False,
                follow_redirects=True,
                max_redirects=_MOST_REDIRECTS,
                headers={"accept-encoding": "gzip, deflate", "user-agent": "weft"},
            )
        return self._client


class _Client(httpx2.AsyncClient):
    """Takes no secrets along to another service."""

    def _redirect_headers(
        self, request: httpx2.Request, url: httpx2.URL, method: str
    ) -> httpx2.Headers:
        # A key often stands in a header of its own; httpx leaves out Authorization alone.
        headers = super()._redirect_headers(request, url, method)
        before = request.url
        same_place = (before.scheme, before.port) == (url.scheme, url.port)
        if before.host != url.host or not (same_place or url.scheme == "https"):
            for name in set(headers) - _TRAVELLING:
                del headers[name]
        return headers


class RefusedError(httpcore2.ConnectError):
    """The address may not be reached from a flow."""


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to vetted addresses only."""

    def __init__(self, allow: AllowList) -> None:
        self._allow = allow
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self.resolve(host, port)
        if not self._allow.names(host, port):
            for address in addresses:
                if not self._allow.permits(address):
                    raise RefusedError(f"{host} is at {address}, which is not a public address")
        failure: Exception | None = None
        for address in addresses[:_TRIED_ADDRESSES]:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as exc:
                failure = exc
        raise failure or httpcore2.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise RefusedError("unix sockets may not be reached")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def resolve(self, host: str, port: int) -> list[str]:
        """All addresses of a host."""
        try:
            return [str(parse(host.strip("[]")))]
        except ValueError:
            pass
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_RESOLVE_S):
                found = await loop.getaddrinfo(host, port, type=1)
        except (OSError, UnicodeError) as exc:
            raise httpcore2.ConnectError(f"{host} cannot be found: {exc}") from exc
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _transport(allow: AllowList) -> httpx2.AsyncHTTPTransport:
    transport = httpx2.AsyncHTTPTransport(verify=_certificates(), trust_env=False, retries=0)
    # httpx has no public way to bring a network backend; a test holds this to the guard's promises.
    transport._pool = httpcore2.AsyncConnectionPool(  # noqa: SLF001
        ssl_context=_certificates(),
        max_connections=_MOST_CONNECTIONS,
        network_backend=GuardedBackend(allow),
        http1=True,
        http2=False,
    )
    return transport


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


def _checked(url: httpx2.URL) -> httpx2.URL:
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("it does not begin with http:// or https://")
    return url


async def _read(answer: httpx2.Response, max_bytes: int) -> bytes:
    """The decoded body; stops as soon as it is larger than allowed."""
    body = bytearray()
    async for part in _decoded(answer, max_bytes):
        body += part
        if len(body) > max_bytes:
            raise NodeError(
                f"The answer is larger than {max_bytes / 1024 / 1024:.0f} MB.",
                code="http.too_large",
                hint="Ask the service for less at a time.",
                params={"limit": max_bytes},
            )
    return bytes(body)


async def _decoded(answer: httpx2.Response, max_bytes: int) -> AsyncIterator[bytes]:
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        async for part in answer.aiter_raw(65536):
            yield part
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise ResourceError(
            f"The answer is compressed in a way that was not asked for: {coding}.",
            code="http.bad_body",
        )
    unpacker = _Unpacker(max_bytes)
    async for packed in answer.aiter_raw(65536):
        for part in unpacker.feed(packed):
            yield part
    unpacker.check_end()


class _Unpacker:
    """Unpacks gzip, of one or several parts, and both things that are called deflate."""

    def __init__(self, limit: int) -> None:
        self._most = limit + 1
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._begun = False

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """What some bytes unpack to, in pieces that are not too large."""
        while packed:
            if self._inflate.eof:  # another part, or padding
                packed = packed.lstrip(b"\0")
                if packed:
                    self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
                continue
            yield self._some(packed)
            self._begun = True
            packed = self._inflate.unconsumed_tail or self._inflate.unused_data

    def check_end(self) -> None:
        """Make sure that nothing is missing."""
        if self._begun and not self._inflate.eof:
            raise _damaged()

    def _some(self, packed: bytes) -> bytes:
        try:
            return self._inflate.decompress(packed, self._most)
        except zlib.error as exc:
            if self._begun:
                raise _damaged() from exc
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            return self._inflate.decompress(packed, self._most)
        except zlib.error as exc:
            raise _damaged() from exc


def _damaged() -> ResourceError:
    return ResourceError(
        "The answer is compressed, and damaged or cut off.", code="http.bad_body", retryable=True
    )


def _explain(exc: Exception, url: str, timeout_s: float) -> WeftError:
    shown = _without_secrets(url)
    params = {"url": shown}
    refused = _refusal(exc)
    if refused is not None:
        return NodeError(
            f"{shown} may not be reached: {refused}.",
            code="http.address_refused",
            hint="Flows reach public addresses. To allow this one, start `weft run` with "
            "--allow-private, or let the administrator of the server list the host.",
            params=params,
        )
    if isinstance(exc, TimeoutError | httpx2.TimeoutException):
        return ResourceError(
            f"{shown} did not answer within {timeout_s:g} s.",
            code="http.timeout",
            hint="Try again later, or allow more time.",
            params=params,
            retryable=True,
        )
    if isinstance(exc, httpx2.TooManyRedirects):
        return ResourceError(
            f"{shown} sent the request on more than {_MOST_REDIRECTS} times.",
            code="http.too_many_redirects",
            hint="Use the address that the service really answers at.",
            params=params,
        )
    if isinstance(exc, ValueError | httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return NodeError(
            f"{shown!r} is not a web address: {exc}.",
            code="http.bad_url",
            hint="Write the whole address, such as https://example.org/data.json.",
            params=params,
        )
    return ResourceError(
        f"{shown} cannot be reached: {str(exc) or type(exc).__name__}.",
        code="http.unreachable",
        hint="Check the address and the network, then try again.",
        params=params,
        retryable=True,
    )


def _refusal(exc: BaseException) -> BaseException | None:
    current: BaseException | None = exc
    while current is not None:
        if isinstance(current, RefusedError):
            return current
        current = current.__cause__ or current.__context__
    return None


def _without_secrets(url: str) -> str:
    """The address without user, password and query."""
    try:
        parts = httpx2.URL(url)
        return str(parts.copy_with(query=None, fragment=None, userinfo=b""))
    except (httpx2.InvalidURL, ValueError):
        return url[:100]
