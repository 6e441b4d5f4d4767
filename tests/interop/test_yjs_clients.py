"""What people do with clients that are not ours."""

import os
from typing import Any

import pytest

from tests.interop.conftest import Play
from tests.server.support import Server
from weft_server.rooms.document import plain

pytestmark = pytest.mark.interop

# 1 parted an emoji, 103 and 151 lost their connection at the last moment.
SEEDS = [int(seed) for seed in os.environ.get("WEFT_SEEDS", "1 2 3 4 5 6 103 151").split()]


def definition(server: Server, flow_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (
        server.client(server.owner).get(f"/api/flows/{flow_id}/definition").json()
    )
    return found


def stored(server: Server, flow_id: str) -> dict[str, Any]:
    (room,) = [room for room in server.app.state.rooms.rooms if room.flow_id == flow_id]

    async def look() -> dict[str, Any]:
        return plain(room.replica.doc)

    found: dict[str, Any] = server.call(look())
    return found


def test_somebody_elses_client_joins_and_edits(server: Server, flow_id: str, play: Play) -> None:
    eda = server.make_user("eda@example.org", "editor")
    found = play(
        "joins",
        url=server.url,
        flow=flow_id,
        ada=server.owner.cookie_header,
        eda=eda.cookie_header,
    )
    flow = definition(server, flow_id)
    assert flow["nodes"] == {
        "read": {
            "type": "file.read_csv",
            "settings": {"path": "a.csv"},
            "position": {"x": 0, "y": 0},
        },
        "keep": {
            "type": "data.filter",
            "name": "Offline",
            "disabled": True,
            "settings": {"note": "héllo, wörld 😀"},
        },
    }
    assert flow["edges"] == [
        {"source": "read", "source_port": "rows", "target": "keep", "target_port": "rows"}
    ]
    # The server says who they are, whatever they call themselves.
    assert found["people"] == ["Ada", "Eda"]
    assert found["ghostMs"] < 2_000


def test_a_viewer_changes_nothing(server: Server, flow_id: str, play: Play) -> None:
    vera = server.make_user("vera@example.org", "viewer")
    found = play(
        "viewer",
        url=server.url,
        flow=flow_id,
        ada=server.owner.cookie_header,
        vera=vera.cookie_header,
    )
    assert found == {
        "nodes": {"read": {"type": "file.read_csv", "settings": {}, "texts": {}}},
        "refused": "document.read_only",
        "saved": False,
    }


def test_a_moving_cursor_is_heard_once_by_each(server: Server, flow_id: str, play: Play) -> None:
    """Providers repeat what they hear of others; that must not come back to everybody."""
    people = [server.make_user(f"p{number}@example.org") for number in range(8)]
    found = play(
        "presence",
        url=server.url,
        flow=flow_id,
        cookies=[person.cookie_header for person in people],
    )
    assert found["heard"] == [found["moves"]] * len(people)


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_ends_with_the_same_document(
    server: Server, flow_id: str, play: Play, seed: int
) -> None:
    people = [server.make_user(f"p{number}@example.org") for number in range(3)]
    found = play(
        "converge",
        url=server.url,
        flow=flow_id,
        cookies=[server.owner.cookie_header, *(person.cookie_header for person in people)],
        seed=seed,
        steps=600,
    )
    held = stored(server, flow_id)
    assert {name: held[name] for name in found["plain"]} == found["plain"], f"seed {seed}"
    assert not {4400, 4429, 1009, 1011} & set(found["codes"]), f"seed {seed}: {found['codes']}"
    # Nothing that the document reads as breaks the reading.
    assert definition(server, flow_id)["format"] == "weft/1"


@pytest.mark.parametrize("edit", ["insert", "delete", "delete after"])
def test_nobody_parts_a_character(server: Server, flow_id: str, play: Play, edit: str) -> None:
    """yrs cannot hold half an emoji; what it makes of one breaks every Yjs client for good."""
    eda = server.make_user("eda@example.org", "editor")
    found = play(
        "parted",
        url=server.url,
        flow=flow_id,
        ada=server.owner.cookie_header,
        eda=eda.cookie_header,
        edit=edit,
    )
    assert found == {"codes": [4400], "text": "Qab😀cd"}
