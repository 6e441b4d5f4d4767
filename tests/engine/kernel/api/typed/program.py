"""A program that uses most of the public names, for `mypy --strict`: see test_typing.py."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, assert_type

from weft_engine.kernel import (
    DataStream,
    FileSink,
    FileSource,
    KeyedStream,
    LocalEnvironment,
    MapFunction,
    ProcessFunction,
    QueueSource,
    Session,
    Source,
    SqliteSink,
    TickSource,
    Tumbling,
)


@dataclass(frozen=True)
class Click:
    user: str
    at: int


class Upper(MapFunction[str, str]):
    def process(self, value: str) -> str:
        return value.upper()


class Numbered(ProcessFunction[Click, str]):
    def open(self, context: Any) -> None:
        self.count = context.state.value("count", 0)

    def process(self, value: Click, context: Any) -> Iterable[str]:
        self.count.update(self.count.value() + 1)
        return [value.user]


async def ask(click: Click) -> int:
    return click.at


async def clicks_later() -> AsyncIterator[Click]:
    yield Click("ann", 1)


def build(env: LocalEnvironment) -> None:
    clicks = env.from_collection([Click("ann", 1), Click("bob", 2)])
    assert_type(clicks, DataStream[Click])
    assert_type(clicks.map(lambda click: click.at), DataStream[int])
    assert_type(clicks.filter(lambda click: click.at > 1), DataStream[Click])
    assert_type(clicks.flat_map(lambda click: [click.user]), DataStream[str])
    assert_type(clicks.map(lambda click: click.user).map(Upper()), DataStream[str])
    assert_type(clicks.map_batch(lambda some: [one.at for one in some]), DataStream[int])
    assert_type(clicks.async_map(ask, concurrency=4), DataStream[int])
    assert_type(clicks.union(clicks), DataStream[Click])
    assert_type(clicks.limit(3), DataStream[Click])
    assert_type(env.from_source(clicks_later), DataStream[Click])
    assert_type(env.from_source(TickSource("1s")), DataStream[int])
    assert_type(env.from_source(QueueSource[Click](10)), DataStream[Click])
    assert_type(env.from_source(FileSource("x.csv")), DataStream[Any])
    users = clicks.key_by(lambda click: click.user)
    assert_type(users, KeyedStream[str, Click])
    assert_type(users.count(), DataStream[tuple[str, int]])
    assert_type(users.process(Numbered()), DataStream[str])
    timed = clicks.assign_timestamps(lambda click: click.at, max_out_of_orderness="1s")
    assert_type(timed, DataStream[Click])
    by_user = timed.key_by(lambda click: click.user)
    assert_type(by_user.window(Tumbling("1min")).count(), DataStream[tuple[str, int]])
    assert_type(by_user.window(Session("10s")).count(), DataStream[tuple[str, int]])
    named = clicks.name("clicks").uid("clicks").set_parallelism(2).on_error("skip", retries=2)
    assert_type(named, DataStream[Click])
    assert_type(clicks.execute_and_collect(), list[Click])
    assert_type(clicks.collect().get(), list[Click])
    clicks.map(lambda click: {"user": click.user}).sink(SqliteSink("x", "t", ["user"], key="user"))
    clicks.map(lambda click: click.user).sink(FileSink("out", format="text"))
    clicks.for_each(print)
    clicks.print()
    job = env.submit(wait=False)
    job.wait(1.0)


class Squares(Source[int]):
    bounded = True


def wrong(env: LocalEnvironment) -> None:
    numbers = env.from_source(Squares())
    numbers.map(lambda n: n.upper())  # WRONG
    numbers.map(Upper())  # WRONG
    numbers.on_error("hope")  # WRONG
    numbers.filter(5)  # WRONG
    QueueSource[int](10).put("text")  # WRONG
