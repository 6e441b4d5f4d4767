"""What is remembered of checked flows."""

import asyncio

import pytest

from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_server.runs import definitions
from weft_server.runs.definitions import Checker


def test_large_flows_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "_REMEMBERED_BYTES", 3_000)
    checker = Checker(Catalogue.installed())

    async def check() -> list[int]:
        sizes = []
        for number in range(10):
            await checker.checked(Flow(name=f"{number}", description="x" * 1_000))
            sizes.append(len(checker._known))
        return sizes

    assert asyncio.run(check()) == [1, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    assert checker._bytes < 3_000


def test_a_flow_that_is_larger_than_the_memory_is_checked_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(definitions, "_REMEMBERED_BYTES", 10)
    checker = Checker(Catalogue.installed())
    flow = Flow(name="Large")
    assert asyncio.run(checker.checked(flow)).flow == flow
    assert asyncio.run(checker.checked(flow)).flow == flow
    assert checker._bytes == 0


def test_the_same_flow_is_not_looked_at_twice() -> None:
    checker = Checker(Catalogue.installed())
    flow, equal = Flow(name="One"), Flow(name="One")
    first = asyncio.run(checker.checked(flow))
    assert asyncio.run(checker.checked(flow)) is first
    assert asyncio.run(checker.checked(equal)).text == first.text
    assert asyncio.run(checker.checked(Flow(name="Two"))).text != first.text
    assert len(checker._by_object) == len(checker._known) == 2
