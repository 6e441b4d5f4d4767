"""Requests to webhooks: what is taken, what is refused, and what becomes of them."""

import base64
import hashlib
import hmac
import json
import logging
import time
from typing import Any

import pytest

from tests.server.triggers.flows import Armer, started_by, waiting

BODY = {"order": 7}
CANARY = "canary-5f2c"


def order(**settings: Any) -> dict[str, Any]:
    return started_by("webhook", "body", "Order {{ item.order }}", **settings)


def test_a_request_starts_a_run_with_its_body(armer: Armer) -> None:
    flow_id = armer.arm(order())
    answer = armer.hook(armer.address(flow_id), json=BODY)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert told["state"] == "started"
    assert armer.said(told["run"]) == "Order 7"
    (event,) = armer.events(flow_id)
    assert (event["id"], event["run_id"]) == (told["event"], told["run"])
    assert event["run_state"] == "completed"
    payload = armer.event(flow_id, event["id"])["payload"]
    assert payload["body"] == BODY
    assert payload["method"] == "POST"


def test_every_part_of_a_request_comes_out_of_the_node(armer: Armer) -> None:
    flow = order(methods=["PUT"])
    flow["nodes"]["say"]["settings"]["template"] = "{{ item }}"
    for port in ("headers", "query", "method"):
        flow["nodes"][port] = {"type": "text.template", "settings": {"template": "{{ item }}"}}
        edge = {"source": "event", "source_port": port, "target": port, "target_port": "item"}
        flow["edges"].append(edge)
    flow_id = armer.arm(flow)
    told = armer.hook(
        f"{armer.address(flow_id)}?page=2&tag=a&tag=b",
        "PUT",
        content=b"plain",
        headers={"Content-Type": "text/plain", "X-Kind": "test"},
    ).json()
    armer.ended(told["run"])
    event = armer.event(flow_id, told["event"])["payload"]
    assert event["body"] == "plain"
    assert event["query"] == {"page": "2", "tag": ["a", "b"]}
    assert event["headers"]["x-kind"] == "test"
    run = armer.info(told["run"])
    assert run["state"] == "completed"
    shown = armer.client.get(f"/api/runs/{told['run']}/nodes/method").json()
    assert shown["outputs"]["text"]["value"] == "PUT"


@pytest.mark.parametrize(
    ("content", "media_type", "body"),
    [
        (b'{"a": [1, null]}', "application/json; charset=utf-8", {"a": [1, None]}),
        (b'{"a": 1}', "application/vnd.example+json", {"a": 1}),
        (b'{"a": 1}', "", {"a": 1}),
        (b"{not json", "", "{not json"),
        (
            b"a=1&b=2&b=3&c=",
            "application/x-www-form-urlencoded",
            {"a": "1", "b": ["2", "3"], "c": ""},
        ),
        ("grüße".encode(), "text/plain", "grüße"),
        (
            b"\xff\x00",
            "application/octet-stream",
            {"base64": "/wA=", "media_type": "application/octet-stream"},
        ),
        (b"", "application/json", None),
    ],
    ids=[
        "json",
        "a kind of json",
        "undeclared json",
        "undeclared text",
        "form",
        "text",
        "bytes",
        "empty",
    ],
)
def test_bodies_are_read_as_they_are(
    armer: Armer, content: bytes, media_type: str, body: Any
) -> None:
    flow_id = armer.arm(started_by("webhook", "body"))
    headers = {"Content-Type": media_type} if media_type else {}
    answer = armer.hook(armer.address(flow_id), content=content, headers=headers)
    assert answer.status_code == 202, answer.text
    assert armer.event(flow_id, answer.json()["event"])["payload"]["body"] == body


def test_a_caller_may_wait_for_the_result(armer: Armer) -> None:
    flow_id = armer.arm(order(answer="result"))
    answer = armer.hook(armer.address(flow_id), json=BODY)
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "completed"
    assert "Order 7" in json.dumps(answer.json()["outputs"])


def test_a_caller_waits_no_longer_than_the_limit(armer: Armer) -> None:
    flow_id = armer.arm(waiting("webhook", "body", answer="result", wait_s=0.1))
    answer = armer.hook(armer.address(flow_id), json=BODY)
    assert answer.status_code == 202
    armer.open_gate()
    assert armer.ended(answer.json()["run"])["state"] == "completed"


def test_a_caller_learns_of_a_failure_but_not_of_its_inside(armer: Armer) -> None:
    flow = order(answer="result")
    flow["nodes"]["secret"] = {"type": "file.read_text", "settings": {"path": "inside-77ab.txt"}}
    flow_id = armer.arm(flow)
    answer = armer.hook(armer.address(flow_id), json=BODY)
    assert (answer.status_code, answer.json()["code"]) == (502, "hook.run_failed")
    assert answer.json()["params"]["failure"] == "file.not_found"
    assert "inside-77ab" not in answer.text


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Delivery"])
def test_a_repeated_delivery_is_noted_and_not_run(armer: Armer, header: str) -> None:
    settings = {} if header == "Idempotency-Key" else {"delivery_header": header}
    flow_id = armer.arm(order(**settings))
    address = armer.address(flow_id)
    first = armer.hook(address, json=BODY, headers={header: "d-1"}).json()
    for _ in range(3):
        again = armer.hook(address, json=BODY, headers={header: "d-1"})
        assert again.status_code == 200
        assert again.json()["duplicate"] is True
        assert again.json()["run"] == first["run"]
    other = armer.hook(address, json=BODY, headers={header: "d-2"}).json()
    assert other["run"] not in {None, first["run"]}
    duplicates = armer.events(flow_id, event_state="duplicate")
    assert [(one["first_id"], one["count"], one["delivery_id"]) for one in duplicates] == [
        (first["event"], 3, "d-1")
    ]
    assert len(armer.client.get(f"/api/runs?flow={flow_id}").json()["items"]) == 2


def test_an_address_cannot_be_guessed_and_can_be_changed(armer: Armer) -> None:
    flow_id = armer.arm(order())
    address = armer.address(flow_id)
    assert len(address.removeprefix("/hooks/")) >= 32
    wrong = armer.hook("/hooks/" + "x" * 43, json=BODY)
    assert (wrong.status_code, wrong.json()["code"]) == (404, "hook.not_found")
    answer = armer.client.post(f"/api/flows/{flow_id}/triggers/event/address")
    assert answer.status_code == 200
    assert armer.hook(address, json=BODY).status_code == 404
    assert armer.address(flow_id) != address
    assert armer.hook(armer.address(flow_id), json=BODY).status_code == 202


def test_viewers_see_no_address(armer: Armer) -> None:
    flow_id = armer.arm(order())
    viewer = armer.invite("viewer")
    (trigger,) = viewer.client.get(f"/api/flows/{flow_id}/triggers").json()["triggers"]
    assert trigger["address"] is None
    assert trigger["active"] is True


def test_the_address_stays_when_the_flow_is_armed_again(armer: Armer) -> None:
    flow_id = armer.arm(order())
    address = armer.address(flow_id)
    assert armer.client.post(f"/api/flows/{flow_id}/disarm").json()["armed"] is False
    assert armer.hook(address, json=BODY).status_code == 404
    armer.client.post(f"/api/flows/{flow_id}/arm")
    assert armer.address(flow_id) == address


def refused(armer: Armer, flow_id: str) -> list[tuple[str, int]]:
    events = armer.events(flow_id, event_state="refused")
    assert all(event["run_id"] is None and event["size"] == 0 for event in events)
    return [(event["reason"], event["count"]) for event in events]


def test_other_methods_are_refused(armer: Armer) -> None:
    flow_id = armer.arm(order(methods=["POST", "PUT"]))
    answer = armer.hook(armer.address(flow_id), "GET")
    assert (answer.status_code, answer.json()["code"]) == (405, "hook.method")
    assert answer.headers["Allow"] == "POST, PUT"
    assert refused(armer, flow_id) == [("hook.method", 1)]


def test_large_and_broken_bodies_are_refused(armer: Armer) -> None:
    flow_id = armer.arm(order(limit_kb=1))
    address = armer.address(flow_id)
    for content in (b"x" * 2000, iter([b"x" * 1000] * 2)):
        answer = armer.hook(address, content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "hook.too_large")
    for content in (b"{", b"[" * 101 + b"]" * 101):
        broken = armer.hook(address, content=content, headers={"Content-Type": "application/json"})
        assert (broken.status_code, broken.json()["code"]) == (400, "hook.bad_body")
    assert refused(armer, flow_id) == [("hook.too_large", 2), ("hook.bad_body", 2)]


def test_too_many_requests_are_refused_and_counted(armer: Armer) -> None:
    flow_id = armer.arm(order(per_minute=3))
    address = armer.address(flow_id)
    statuses = [armer.hook(address, json=BODY).status_code for _ in range(8)]
    assert statuses[:3] == [202, 202, 202]
    assert statuses.count(429) >= 4
    last = armer.hook(address, json=BODY)
    assert last.json()["code"] == "hook.too_many"
    assert int(last.headers["Retry-After"]) >= 1
    ((reason, count),) = refused(armer, flow_id)
    assert reason == "hook.too_many"
    assert count >= 5


def hexed(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def standard(secret: str, body: bytes, stamp: int, delivery: str = "msg_1") -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{delivery}.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(stamp),
        "webhook-signature": f"v1a,xxx v1,{signature}",
    }


def signed(kind: str, secret: str, body: bytes, stamp: int) -> dict[str, str]:
    match kind:
        case "github":
            return {"X-Hub-Signature-256": f"sha256={hexed(secret, body)}"}
        case "hmac":
            return {"X-Signed": f"v0={hexed(secret, body)}"}
        case "stripe":
            signature = hexed(secret, f"{stamp}.".encode() + body)
            return {"Stripe-Signature": f"t={stamp},v1={'0' * 64},v1={signature},v0=x"}
        case _:
            return standard(secret, body, stamp)


KINDS = ["github", "hmac", "stripe", "standard"]


def arm_signed(armer: Armer, kind: str) -> tuple[str, str, str]:
    more = {"signature_header": "X-Signed", "signature_prefix": "v0="} if kind == "hmac" else {}
    flow_id = armer.arm(order(signature=kind, **more))
    return flow_id, armer.address(flow_id), armer.secret(flow_id)


@pytest.mark.parametrize("kind", KINDS)
def test_signed_requests_are_taken(armer: Armer, kind: str) -> None:
    flow_id, address, secret = arm_signed(armer, kind)
    body = b'{"order": 7, "id": "x"}'
    headers = signed(kind, secret, body, int(time.time()))
    answer = armer.hook(
        address, content=body, headers=headers | {"Content-Type": "application/json"}
    )
    assert answer.status_code == 202, answer.text
    stored = armer.client.get(f"/api/flows/{flow_id}/events/{answer.json()['event']}").text
    assert hexed(secret, body) not in stored
    assert all(value not in stored for name, value in headers.items() if "ignature" in name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("unsigned", "hook.unsigned"),
        ("other body", "hook.bad_signature"),
        ("other secret", "hook.bad_signature"),
        ("garbage", None),
    ],
)
def test_other_requests_are_not(armer: Armer, kind: str, fault: str, code: str | None) -> None:
    flow_id, address, secret = arm_signed(armer, kind)
    body, now = b'{"order": 7}', int(time.time())
    other = "whsec_" + base64.b64encode(b"another").decode() if kind == "standard" else "another"
    headers = {
        "unsigned": {},
        "other body": signed(kind, secret, b'{"order": 8}', now),
        "other secret": signed(kind, other, body, now),
        "garbage": dict.fromkeys(
            signed(kind, secret, body, now), "v0=\xe9,t=9,v1=ü,=".encode("latin-1")
        ),
    }[fault]
    answer = armer.hook(address, content=body, headers=headers)
    assert answer.status_code == 401, answer.text
    assert answer.json()["code"] in ({code} if code else {"hook.unsigned", "hook.bad_signature"})
    assert [count for _, count in refused(armer, flow_id)] == [1]
    assert armer.events(flow_id, event_state="started") == []


@pytest.mark.parametrize("kind", ["stripe", "standard"])
@pytest.mark.parametrize("ago", [600, -600])
def test_old_signatures_do_not_count(armer: Armer, kind: str, ago: int) -> None:
    _, address, secret = arm_signed(armer, kind)
    body = b'{"order": 7}'
    headers = signed(kind, secret, body, int(time.time()) - ago)
    answer = armer.hook(address, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "hook.stale")


def test_a_replayed_signature_is_a_duplicate(armer: Armer) -> None:
    _, address, secret = arm_signed(armer, "stripe")
    body = b'{"order": 7}'
    headers = signed("stripe", secret, body, int(time.time()))
    first = armer.hook(address, content=body, headers=headers).json()
    again = armer.hook(address, content=body, headers=headers).json()
    assert (again["event"], again.get("duplicate")) == (first["event"], True)


def test_a_stripe_event_is_known_by_its_id(armer: Armer) -> None:
    flow_id, address, secret = arm_signed(armer, "stripe")
    body = b'{"order": 7, "id": "evt_stripe"}'
    for ago in (2, 1):
        headers = signed("stripe", secret, body, int(time.time()) - ago)
        armer.hook(address, content=body, headers=headers | {"Content-Type": "application/json"})
    assert [event["state"] for event in armer.events(flow_id)] == ["started", "duplicate"]


def test_without_a_secret_nothing_is_taken(armer: Armer) -> None:
    flow_id = armer.arm(order(signature="github"))
    assert armer.trigger(flow_id)["secret"] == {
        "needed": True,
        "made_at": None,
        "former_until": None,
    }
    body = b"{}"
    answer = armer.hook(armer.address(flow_id), content=body, headers=signed("github", "", body, 0))
    assert (answer.status_code, answer.json()["code"]) == (403, "hook.no_secret")


def test_a_rotated_secret_may_live_on_for_a_while(armer: Armer) -> None:
    flow_id, address, old = arm_signed(armer, "github")
    body = b'{"order": 7}'

    def status(secret: str) -> int:
        return armer.hook(
            address, content=body, headers=signed("github", secret, body, 0)
        ).status_code

    new = armer.secret(flow_id, keep_former_hours=1)
    assert [status(old), status(new)] == [202, 202]
    given = armer.secret(flow_id, secret="given by the sender")
    assert given == "given by the sender"
    assert [status(old), status(new), status(given)] == [401, 401, 202]
    removed = armer.client.delete(f"/api/flows/{flow_id}/triggers/event/secret")
    assert removed.status_code == 204
    assert status(given) == 403


def test_a_secret_of_the_wrong_form_is_refused(armer: Armer) -> None:
    flow_id = armer.arm(order(signature="standard"))
    answer = armer.client.post(
        f"/api/flows/{flow_id}/triggers/event/secret", json={"secret": "not base64 at all!"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "trigger.bad_secret")


def test_no_secret_is_shown_stored_or_logged(
    armer: Armer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    flow_id = armer.arm(order(signature="hmac", signature_header="X-Proof"))
    address = armer.address(flow_id)
    secret = armer.secret(flow_id, secret=f"{CANARY}-secret")
    body = b'{"order": 7}'
    canaries = {
        "Authorization": f"Bearer {CANARY}-1",
        "Cookie": f"a={CANARY}-2",
        "X-Api-Key": f"{CANARY}-3",
        "Proxy-Authorization": f"{CANARY}-4",
        "X-Gitlab-Token": f"{CANARY}-5",
    }
    proof = hexed(secret, body)
    answer = armer.hook(
        f"{address}?access_token={CANARY}-6&page=1",
        content=body,
        headers=canaries | {"X-Proof": proof},
    )
    assert answer.status_code == 202, answer.text
    armer.ended(answer.json()["run"])
    armer.hook(address + "x", content=body)
    event = armer.event(flow_id, answer.json()["event"])
    assert event["payload"]["query"]["page"] == "1"
    shown = "".join(
        armer.client.get(path).text
        for path in (
            f"/api/flows/{flow_id}/triggers",
            f"/api/flows/{flow_id}/events",
            f"/api/flows/{flow_id}/events/{event['id']}",
            f"/api/flows/{flow_id}/definition",
            f"/api/runs/{answer.json()['run']}/events",
            f"/api/runs/{answer.json()['run']}/nodes/event",
        )
    )
    # The test's own client is in the same process.
    logged = "\n".join(
        record.getMessage()
        for record in caplog.records
        if not record.name.startswith(("httpx", "httpcore"))
    )
    assert "/hooks/…" in logged
    for hidden in (CANARY, proof):
        assert hidden not in shown
        assert hidden not in logged
    assert address.removeprefix("/hooks/") not in logged
    with armer.server.database.read() as session:
        dump = "\n".join(session.connection().connection.iterdump())  # type: ignore[attr-defined]
    assert 'INTO "trigger_secret"' in dump
    assert [line for line in dump.splitlines() if CANARY in line or proof in line] == []
