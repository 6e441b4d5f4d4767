"""The front of the server: which Host is answered, safe headers, and the built web app.

Everything that is not under ``/api`` or ``/ws`` is a file of the web app, or its page.
"""

import asyncio
import ipaddress
import mimetypes
from dataclasses import dataclass
from email.utils import formatdate
from html import escape
from http import HTTPStatus
from pathlib import Path

from litestar.enums import ScopeType
from litestar.serialization import encode_json
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from weft_server.errors import MEDIA_TYPE, Malformed, problem
from weft_server.settings import Settings

STATIC = Path(__file__).parent / "static"
_API = ("/api", "/ws", "/hooks")
_IMMUTABLE = "public, max-age=31536000, immutable"
_FRESH = "no-cache"
_COMPRESSED = (("br", ".br"), ("gzip", ".gz"))
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".woff2": "font/woff2"}

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
        b"worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        b"frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Front:
    """The outermost ASGI application."""

    def __init__(self, app: ASGIApp, settings: Settings, static: Path = STATIC) -> None:
        self._app = app
        self._hosts = settings.hosts
        # Only names can be rebound to another address; who listens on a network is called by IP.
        self._any_address = not settings.is_loopback
        self._site = Site(static)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _safe(scope, list(message.get("headers", ())))
            await send(message)

        if not self._knows(_header(scope, b"host")):
            await _refuse_host(scope, with_headers)
        elif _has_nul(scope):
            await _refuse_nul(scope, with_headers)
        elif scope["type"] == ScopeType.HTTP and not is_api(scope["path"]):
            await self._site(scope, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    def _knows(self, header: str) -> bool:
        host = _without_port(header.lower())
        if host in self._hosts:
            return True
        if not self._any_address:
            return False
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return False
        return True


def _safe(scope: Scope, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    if is_api(scope["path"]) and not any(name == b"cache-control" for name, _ in headers):
        headers.append((b"cache-control", b"no-store"))
    return [*headers, *SECURITY_HEADERS]


def is_api(path: str) -> bool:
    """Whether a path belongs to the interface for programs rather than to the web app."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in _API)


@dataclass(frozen=True)
class _File:
    path: Path
    media_type: str
    cache: str
    encodings: tuple[tuple[str, Path], ...]


class Site:
    """Serves the files that the build of the web app left, and no other."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, _File] = {}
        self._built_at = -1.0

    async def __call__(self, scope: Scope, send: Send) -> None:
        method: str = scope["method"]  # type: ignore[typeddict-item]
        if method not in {"GET", "HEAD"}:
            await _answer(send, HTTPStatus.METHOD_NOT_ALLOWED, b"", [(b"allow", b"GET, HEAD")])
            return
        self._refresh()
        found = self._find(scope["path"])
        if found is None:
            status = HTTPStatus.NOT_FOUND if self._files else HTTPStatus.SERVICE_UNAVAILABLE
            page = _page(*(_NO_FILE if self._files else _NOT_BUILT))
            await _answer(send, status, page, [(b"content-type", b"text/html; charset=utf-8")])
            return
        await _send_file(scope, send, found, with_body=method == "GET")

    def _refresh(self) -> None:
        """Look at the files again after a new build."""
        try:
            built_at = (self._root / "index.html").stat().st_mtime
        except OSError:
            built_at = -1.0
        if built_at != self._built_at:
            self._files = _scan(self._root) if built_at >= 0 else {}
            self._built_at = built_at

    def _find(self, path: str) -> _File | None:
        """A file; else the app's page, which knows its own addresses."""
        found = self._files.get(path)
        if found is not None or path.startswith("/assets/") or "." in path.rpartition("/")[2]:
            return found
        return self._files.get("/index.html")


def _scan(root: Path) -> dict[str, _File]:
    files = {}
    for path in root.rglob("*"):
        if not path.is_file() or path.suffix in {".br", ".gz"}:
            continue
        name = "/" + path.relative_to(root).as_posix()
        files[name] = _File(
            path=path,
            media_type=_media_type(path),
            cache=_IMMUTABLE if name.startswith("/assets/") else _FRESH,
            encodings=tuple(
                (encoding, packed)
                for encoding, suffix in _COMPRESSED
                if (packed := path.with_name(path.name + suffix)).is_file()
            ),
        )
    return files


def _media_type(path: Path) -> str:
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    kind = kind or "application/octet-stream"
    is_text = kind.startswith("text/") or kind in {"application/json", "image/svg+xml"}
    return f"{kind}; charset=utf-8" if is_text else kind


async def _send_file(scope: Scope, send: Send, file: _File, *, with_body: bool) -> None:
    encoding, path = _choose(file, _header(scope, b"accept-encoding"))
    try:
        stat = path.stat()
        body = await asyncio.to_thread(path.read_bytes) if with_body else b""
    except OSError:
        await _answer(send, HTTPStatus.NOT_FOUND, b"", [])
        return
    tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    headers = [
        (b"cache-control", file.cache.encode()),
        (b"etag", tag.encode()),
        (b"last-modified", formatdate(stat.st_mtime, usegmt=True).encode()),
        (b"vary", b"accept-encoding"),
    ]
    if _header(scope, b"if-none-match") == tag:
        await _answer(send, HTTPStatus.NOT_MODIFIED, None, headers)
        return
    headers.append((b"content-type", file.media_type.encode()))
    if encoding:
        headers.append((b"content-encoding", encoding.encode()))
    await _answer(send, HTTPStatus.OK, body, headers, length=stat.st_size)


def _choose(file: _File, accepted: str) -> tuple[str, Path]:
    names = {part.partition(";")[0].strip() for part in accepted.lower().split(",")}
    for encoding, path in file.encodings:
        if encoding in names:
            return encoding, path
    return "", file.path


async def _answer(
    send: Send,
    status: HTTPStatus,
    body: bytes | None,
    headers: list[tuple[bytes, bytes]],
    *,
    length: int | None = None,
) -> None:
    if body is not None:
        size = len(body) if length is None else length
        headers = [*headers, (b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body or b"", "more_body": False})


def _has_nul(scope: Scope) -> bool:
    """Whether an address has a character that no id has, and that not every database takes."""
    if not scope["path"].startswith(("/api/", "/ws/")):
        return False
    return "\0" in scope["path"] or b"%00" in scope["query_string"]


async def _refuse_nul(scope: Scope, send: Send) -> None:
    await _refuse(
        scope,
        send,
        Malformed(
            "The address has the character NUL.",
            hint="Leave out %00.",
        ),
    )


async def _refuse_host(scope: Scope, send: Send) -> None:
    await _refuse(
        scope,
        send,
        Malformed(
            "This server is not known by the name of the Host header.",
            code="request.bad_host",
            hint="Name it in WEFT_TRUSTED_HOSTS if it is right.",
            params={"host": _header(scope, b"host")[:200]},
        ),
    )


async def _refuse(scope: Scope, send: Send, error: Malformed) -> None:
    if scope["type"] != ScopeType.HTTP:
        await send({"type": "websocket.close", "code": 4400, "reason": error.code})
        return
    headers = [(b"content-type", MEDIA_TYPE.encode())]
    await _answer(send, HTTPStatus.BAD_REQUEST, encode_json(problem(error)), headers)


def _header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


_NOT_BUILT = (
    "The web app is not built",
    "The server runs, and its interface answers under /api. To build the page, run "
    "`make setup` in the checkout, then load this page again.",
    "网页尚未构建",
    "服务器已经在运行，/api 下的接口可以使用。"
    "请在代码目录中执行 `make setup` 构建网页，然后刷新本页。",
)
_NO_FILE = (
    "There is no such file",
    "Go back to the start page at /.",
    "没有这个文件",
    "请回到首页 /。",
)


def _page(title: str, text: str, zh_title: str, zh_text: str) -> bytes:
    parts = [
        f"<h1>{escape(heading)}</h1><p>{escape(body)}</p>"
        for heading, body in ((title, text), (zh_title, zh_text))
    ]
    style = "body{font:16px/1.6 system-ui;max-width:36rem;margin:12vh auto;padding:0 1rem}"
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)} · Weft</title><style>{style}</style>{''.join(parts)}</html>"
    )
    return page.encode()
