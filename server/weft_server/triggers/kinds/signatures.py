"""Whether a request comes from who shares the secret.

The forms: GitHub's `X-Hub-Signature-256`, Stripe's `Stripe-Signature`, those of Standard Webhooks
(standardwebhooks.com), and a plain HMAC-SHA256 of the body in a header of one's choice. Compared in
constant time, over the bytes as they came.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from weft_engine.library.triggers_webhook import WebhookTrigger

GITHUB: Final = "x-hub-signature-256"
STRIPE: Final = "stripe-signature"
STANDARD: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
_PREFIX: Final = "whsec_"


@dataclass(frozen=True)
class Refused:
    """Why a signature does not count."""

    code: str


def check(
    settings: WebhookTrigger,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[str],
    now: float,
) -> Refused | None:
    """None when the request is signed as asked with one of the secrets.

    Args:
        settings: What the webhook asks for.
        headers: By name in lower case.
        body: As it came.
        secrets: The valid ones.
        now: The time, in seconds since 1970.
    """
    if settings.signature == "none":
        return None
    if not secrets:
        return Refused("hook.no_secret")
    match settings.signature:
        case "github":
            return _plain(headers.get(GITHUB), "sha256=", body, secrets)
        case "hmac":
            given = headers.get(settings.signature_header.lower())
            return _plain(given, settings.signature_prefix, body, secrets)
        case "stripe":
            return _stripe(headers.get(STRIPE), body, secrets, now, settings.tolerance_s)
        case _:
            return _standard(headers, body, secrets, now, settings.tolerance_s)


def stamp_of(settings: WebhookTrigger, headers: Mapping[str, str]) -> str:
    """The time that a signature covers; empty where it covers none."""
    if settings.signature == "stripe":
        return _stripe_parts(headers.get(STRIPE))[0]
    return headers.get(STANDARD[1], "") if settings.signature == "standard" else ""


def usable(settings: Mapping[str, Any], secret: str) -> bool:
    """Whether a secret can be used with the form of signature."""
    return settings.get("signature") != "standard" or _standard_key(secret) is not None


def _plain(given: str | None, prefix: str, body: bytes, secrets: Sequence[str]) -> Refused | None:
    if not given or not given.startswith(prefix):
        return Refused("hook.unsigned")
    text = given[len(prefix) :].strip()
    return _any(_hex_or_base64(_mac(secret.encode(), body), text) for secret in secrets)


def _stripe(
    given: str | None, body: bytes, secrets: Sequence[str], now: float, tolerance: int
) -> Refused | None:
    stamp, signatures = _stripe_parts(given)
    moment = _moment(stamp)
    if moment is None or not signatures:
        return Refused("hook.unsigned")
    signed = stamp.encode() + b"." + body
    refused = _any(
        hmac.compare_digest(_mac(secret.encode(), signed).hex().encode(), one.encode())
        for secret in secrets
        for one in signatures
    )
    return refused or _fresh(moment, now, tolerance)


def _stripe_parts(given: str | None) -> tuple[str, list[str]]:
    """The time and the signatures of `t=…,v1=…,v1=…`."""
    parts = [part.strip().partition("=") for part in (given or "").split(",")]
    stamp = next((value for name, _, value in parts if name == "t"), "")
    return stamp, [value for name, _, value in parts if name == "v1"]


def _standard(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float, tolerance: int
) -> Refused | None:
    delivery, stamp, given = (headers.get(name, "") for name in STANDARD)
    moment = _moment(stamp)
    signatures = [one.partition(",")[2] for one in given.split() if one.startswith("v1,")]
    if moment is None or not delivery or not signatures:
        return Refused("hook.unsigned")
    signed = f"{delivery}.{stamp}.".encode() + body
    keys = [key for secret in secrets if (key := _standard_key(secret)) is not None]
    refused = _any(
        hmac.compare_digest(base64.b64encode(_mac(key, signed)), one.encode())
        for key in keys
        for one in signatures
    )
    return refused or _fresh(moment, now, tolerance)


def _any(matches: Iterator[bool]) -> Refused | None:
    # All are compared, whichever matches.
    return None if sum(matches) else Refused("hook.bad_signature")


def _fresh(moment: int, now: float, tolerance: int) -> Refused | None:
    return None if abs(now - moment) <= tolerance else Refused("hook.stale")


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, hashlib.sha256)


def _hex_or_base64(expected: bytes, given: str) -> bool:
    text = given.encode()
    in_hex = hmac.compare_digest(expected.hex().encode(), text.lower())
    return hmac.compare_digest(base64.b64encode(expected), text) or in_hex


def _moment(stamp: str) -> int | None:
    return int(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 else None


def _standard_key(secret: str) -> bytes | None:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
