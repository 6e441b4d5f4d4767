"""Secrets of webhooks lie sealed in the database; what earlier versions left plain goes on."""

import errno
import hashlib
import hmac
import os
import sqlite3
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.support import Server
from tests.server.triggers.flows import Armer, started_by
from weft_server.database import utc_now
from weft_server.errors import StorageError
from weft_server.triggers.sealing import Seal, SealError, load
from weft_server.triggers.tables import TriggerSecret
from weft_server.triggers.webhook_secrets import WebhookSecrets

SECRET = "a secret that nobody else knows"


def signed(armer: Armer, flow_id: str, secret: str) -> int:
    body = b'{"n": 1}'
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Signature": signature, "Content-Type": "application/json"}
    status: int = armer.hook(armer.address(flow_id), content=body, headers=headers).status_code
    return status


def again(armer: Armer) -> None:
    """Start the server again, and sign in."""
    armer.server.start()
    armer.client = armer.server.client(armer.person)


def armed(armer: Armer) -> str:
    flow = started_by("webhook", "body", signature="hmac", signature_header="X-Signature")
    flow_id = armer.arm(flow)
    path = f"/api/flows/{flow_id}/triggers/event/secret"
    assert armer.client.post(path, json={"secret": SECRET}).status_code in (200, 201)
    return flow_id


def everything(data: Path) -> bytes:
    return b"".join(path.read_bytes() for path in data.glob("weft.db*"))


def test_the_database_does_not_have_it(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    try:
        armer = Armer(server)
        flow_id = armed(armer)
        assert signed(armer, flow_id, SECRET) == 202
        assert signed(armer, flow_id, "another") == 401
        assert SECRET.encode() not in everything(tmp_path / "data")
        key = tmp_path / "data" / "key"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert len(key.read_bytes()) == 32
    finally:
        server.stop()


def test_a_plain_row_of_before_is_sealed_and_goes_on(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    try:
        armer = Armer(server)
        flow_id = armed(armer)
        server.stop()
        with sqlite3.connect(tmp_path / "data" / "weft.db") as database:
            database.execute("UPDATE trigger_secret SET secret = ?, key_id = NULL", (SECRET,))
        again(armer)
        assert signed(armer, flow_id, SECRET) == 202
        server.stop()
        with sqlite3.connect(tmp_path / "data" / "weft.db") as database:
            ((kept, key_id),) = database.execute("SELECT secret, key_id FROM trigger_secret")
        assert SECRET not in kept
        assert key_id is not None
        again(armer)
        assert signed(armer, flow_id, SECRET) == 202
    finally:
        server.stop()


def test_with_another_key_nothing_is_taken_until_a_secret_is_set(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(tmp_path / "data")
    try:
        armer = Armer(server)
        flow_id = armed(armer)
        server.stop()
        (tmp_path / "data" / "key").write_bytes(os.urandom(32))
        again(armer)
        assert any("1 secrets of webhooks cannot be read" in line for line in caplog.messages)
        assert signed(armer, flow_id, SECRET) == 403
        path = f"/api/flows/{flow_id}/triggers/event/secret"
        body = {"secret": "a newer secret", "keep_former_hours": 5}
        answer = armer.client.post(path, json=body)
        assert answer.status_code in (200, 201)
        assert answer.json()["state"]["former_until"] is None
        assert signed(armer, flow_id, "a newer secret") == 202
        assert signed(armer, flow_id, SECRET) == 401
    finally:
        server.stop()


@given(text=st.text(max_size=60), of=st.text(max_size=20), other=st.text(max_size=20))
def test_what_is_sealed_is_opened_only_where_it_belongs(text: str, of: str, other: str) -> None:
    seal = Seal(b"k" * 32)
    sealed = seal.close(text, of)
    assert seal.open(sealed, of) == text
    assert sealed != seal.close(text, of)
    for wrong, place in ((seal, other + "x" + of), (Seal(b"l" * 32), of)):
        with pytest.raises(SealError):
            wrong.open(sealed, place)
    with pytest.raises(SealError):
        seal.open(sealed[:-4], of)


def test_the_former_secret_of_a_plain_row_stays_valid() -> None:
    secrets, now = WebhookSecrets(Seal(b"k" * 32)), utc_now()
    kept = TriggerSecret(trigger_id="trg_1", secret="first", made_at=now)
    assert secrets.valid(kept, now) == ("first",)
    kept = secrets.put(kept, "trg_1", "second", keep_hours=1, now=now)
    assert "first" not in (kept.former or "")
    assert secrets.valid(kept, now) == ("second", "first")
    assert secrets.valid(kept, now + timedelta(hours=2)) == ("second",)


def test_a_key_is_made_once_and_a_broken_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "made" / "key"
    assert load(path).id == load(path).id
    assert [each.name for each in path.parent.iterdir()] == ["key"]
    path.write_bytes(b"short")
    with pytest.raises(StorageError) as found:
        load(path)
    assert found.value.code == "storage.bad_key"


def test_a_key_is_made_where_files_cannot_be_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    path = tmp_path / "key"
    assert load(path).id == load(path).id
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
