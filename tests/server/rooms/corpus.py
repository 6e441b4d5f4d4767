"""Updates of honest clients, and what a hostile one makes of them."""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress

from pycrdt import Doc, Map, Text


def honest_updates(seed: int = 1, edits: int = 120) -> list[bytes]:
    """The updates of one client editing a flow, in order."""
    chance = random.Random(seed)
    doc = _editing(seed)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    for step in range(edits):
        _edit(doc, chance, step)
    doc.unobserve(subscription)
    return updates


def _editing(seed: int) -> "Doc[Map[object]]":
    doc = Doc(client_id=1000 + seed)
    for name in ("meta", "nodes", "edges", "notes", "comments"):
        doc.get(name, type=Map)
    return doc


def _edit(doc: "Doc[Map[object]]", chance: random.Random, step: int) -> None:
    nodes, edges = doc["nodes"], doc["edges"]
    key = f"n{chance.randrange(8)}"
    match chance.randrange(8):
        case 0 | 1:
            nodes[key] = Map(
                {
                    "type": "text.template",
                    "position": {"x": step, "y": -0.5},
                    "settings": Map({"deep": [1, {"a": None, "b": [True, "é😀"]}]}),
                    "texts": Map({"template": Text("Dear {{ item.name }} 😀")}),
                }
            )
        case 2 if key in nodes:
            nodes[key]["settings"]["size"] = chance.choice([5, 5.5, 2**40, "x" * 50, None, []])
        case 3 if key in nodes:
            text = nodes[key]["texts"]["template"]
            text.insert(0, chance.choice(["a", "é", "😀", "long " * 20]))
        case 4 if key in nodes:
            text = nodes[key]["texts"]["template"]
            first = str(text)[:1]
            del text[0 : len(first) if first.isascii() else 0]
        case 5 if key in nodes:
            del nodes[key]
        case 6:
            edges[f"{key}.out>n1.in"] = Map({"source": key, "target": "n1"})
        case _:
            with doc.transaction():
                doc["meta"]["name"] = f"Flow {step}"
                nodes["fixed"] = Map({"type": "a.b", "settings": Map(), "texts": Map()})


def mutants(seed: int, count: int) -> Iterator[bytes]:
    """Damaged updates: bytes changed, dropped, doubled, and pieces of others put in."""
    chance = random.Random(seed)
    pool = honest_updates(seed)
    pool.extend(_merged(pool))
    for _ in range(count):
        data = bytearray(chance.choice(pool))
        for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
            _damage(data, chance, pool)
        yield bytes(data)


def hostile_sessions(
    seed: int, sessions: int, whole: Callable[[], bytes], *, tries: int = 15
) -> Iterator[bytes]:
    """Clients that know the document so far, each sending damaged forms of its edits first."""
    chance = random.Random(seed)
    for session in range(sessions):
        doc = _editing(10_000 + session)
        doc.apply_update(whole())
        updates: list[bytes] = []
        subscription = doc.observe(lambda event, kept=updates: kept.append(event.update))
        for step in range(3):
            # What is left of the document may not be what the edit expects.
            with suppress(KeyError, TypeError, AttributeError, ValueError, RuntimeError):
                _edit(doc, chance, step)
        doc.unobserve(subscription)
        for update in updates:
            for _ in range(tries):
                data = bytearray(update)
                _damage(data, chance, updates)
                yield bytes(data)
            yield update


def _merged(pool: list[bytes]) -> list[bytes]:
    doc = _editing(0)
    for update in pool:
        doc.apply_update(update)
    return [doc.get_update()]


_ODD = (b"\x80\x80\x80\x80\x01", b"\xff\xff\xff\xff\x0f", b"\xff" * 9, b"\x00", b"\x7f", b"\x80")


def _damage(data: bytearray, chance: random.Random, pool: list[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    match chance.randrange(7):
        case 0 if at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        case 1 if at < len(data):
            data[at] = chance.randrange(256)
        case 2:
            del data[at : at + chance.randrange(1, 9)]
        case 3:
            data[at:at] = data[at : at + chance.randrange(1, 30)]
        case 4:
            data[at:at] = chance.choice(_ODD)
        case 5:
            other = chance.choice(pool)
            start = chance.randrange(len(other))
            data[at:at] = other[start : start + chance.randrange(1, 40)]
        case _ if at < len(data):
            data[at] = chance.choice([0, 1, 7, 8, 10, 27, 39, 117, 118, 119, 125, 128, 199, 255])
