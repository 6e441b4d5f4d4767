"""Requests to webhooks that are sent again by somebody who saw them, and those broken off."""

import logging
import socket
import time

import pytest

from tests.server.runs.flows import wait_until
from tests.server.triggers.flows import Armer
from tests.server.triggers.test_webhooks import arm_signed, order, signed


@pytest.mark.parametrize(
    "body", [b'{"order": 7}', b'{"order": 7, "id": "evt_1"}'], ids=["no id", "id"]
)
@pytest.mark.parametrize(
    "changed",
    [
        {"Idempotency-Key": "another"},
        {"Content-Type": "text/plain"},
        {"Stripe-Signature": "{signature},v0=more"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_replay_is_known_whatever_the_signature_does_not_cover(
    armer: Armer, body: bytes, changed: dict[str, str]
) -> None:
    _, address, secret = arm_signed(armer, "stripe")
    headers = signed("stripe", secret, body, int(time.time()))
    headers["Content-Type"] = "application/json"
    first = armer.hook(address, content=body, headers=headers).json()
    more = {
        name: text.format(signature=headers["Stripe-Signature"]) for name, text in changed.items()
    }
    again = armer.hook(address, content=body, headers=headers | more).json()
    assert (again["event"], again.get("duplicate")) == (first["event"], True)


def test_requests_that_break_off_are_no_errors_of_the_server(
    armer: Armer, caplog: pytest.LogCaptureFixture
) -> None:
    address = armer.address(armer.arm(order()))
    head = f"POST {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{{"
    caplog.set_level(logging.INFO, "weft.server")
    with socket.create_connection(("127.0.0.1", armer.server.port)) as caller:
        caller.sendall(head.encode())
    wait_until(lambda: "the caller left" in caplog.text)
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]
