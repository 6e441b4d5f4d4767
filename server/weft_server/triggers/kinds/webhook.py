"""Reading a request to a webhook: what its node is to give, and what tells a repeated one."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from weft_engine.library.triggers_webhook import WebhookTrigger
from weft_server.triggers import redact
from weft_server.triggers.kinds import signatures

DEEPEST: Final = 100
"""How deeply a body may nest."""
_LONGEST_ID: Final = 200
_DELIVERY_HEADERS: Final = {
    "github": "x-github-delivery",
    "standard": "webhook-id",
}


class BadBodyError(ValueError):
    """The body is not what its Content-Type says."""


@dataclass(frozen=True)
class Incoming:
    """A request as it came."""

    method: str
    headers: tuple[tuple[str, str], ...]
    query: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def by_name(self) -> dict[str, str]:
        """The headers by name in lower case."""
        return {name.lower(): value for name, value in self.headers}


def payload(settings: WebhookTrigger, request: Incoming) -> dict[str, Any]:
    """What is stored and what the node gives: the request without its secrets.

    Raises:
        BadBodyError: it cannot be read.
    """
    also = [settings.signature_header] if settings.signature == "hmac" else []
    return {
        "body": _body(request),
        "headers": redact.headers(request.headers, also),
        "query": redact.query(request.query),
        "method": request.method,
    }


def delivery_id(settings: WebhookTrigger, request: Incoming) -> tuple[str | None, str | None]:
    """What the sender calls the delivery, and the key that only one event may have.

    A signature over a time is never the same for two deliveries, so what it covers tells a replayed
    one when there is no id. What it does not cover, whoever replays a request can change.
    """
    headers = request.by_name
    if settings.signature == "stripe" and not settings.delivery_header:
        given = _id_in(request.body)
    else:
        name = settings.delivery_header.lower() or _DELIVERY_HEADERS.get(
            settings.signature, "idempotency-key"
        )
        given = headers.get(name, "").strip()
    if given:
        shown = given if len(given) <= _LONGEST_ID else _digest(given.encode())
        return shown, f"delivery:{shown}"
    stamp = signatures.stamp_of(settings, headers)
    return None, f"signature:{_digest(f'{stamp}.'.encode() + request.body)}" if stamp else None


def _id_in(body: bytes) -> str:
    try:
        found = _json(body)
    except BadBodyError:
        return ""
    return str(found.get("id") or "") if isinstance(found, dict) else ""


def _body(request: Incoming) -> Any:
    declared = request.by_name.get("content-type", "")
    kind = declared.partition(";")[0].strip().lower()
    if not request.body:
        return None
    if kind == "application/json" or kind.endswith("+json"):
        return _json(request.body)
    if kind == "application/x-www-form-urlencoded":
        return _fields(parse_qsl(_text(request.body), keep_blank_values=True))
    try:
        text = request.body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(request.body).decode(), "media_type": kind}
    if kind == "" and text.lstrip()[:1] in {"{", "["}:
        try:
            return _json(request.body)
        except BadBodyError:
            return text
    return text


def _json(body: bytes) -> Any:
    try:
        value = msgspec.json.decode(body)
        _require_flat(value)
        return value
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BadBodyError(str(error)) from None


def _require_flat(value: Any) -> None:
    """Refuse what nests deeper than anything that shows it could write."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise BadBodyError(f"nested deeper than {DEEPEST} levels")


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadBodyError(str(error)) from None


def _fields(given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields of a form; those given several times as lists."""
    found: dict[str, Any] = {}
    for name, value in given:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
