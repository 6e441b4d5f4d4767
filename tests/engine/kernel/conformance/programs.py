"""Random programs: numbers that name operators, and what they build.

A `Gene` is any four numbers; what they mean is found modulo what is possible where they stand, so
that every list of them is a program, and a shorter list or smaller numbers a simpler one.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.engine.kernel.conformance import functions as f
from weft_engine.kernel import DataStream
from weft_engine.kernel.environment import StreamEnvironment
from weft_engine.kernel.windows import Count, Session, Sliding, Tumbling

DISORDER = 60_000
"""More than any two event times are apart: with this bound, no record is late."""


class Gene(NamedTuple):
    op: int = 0
    one: int = 0
    other: int = 0
    n: int = 0


@dataclass(frozen=True)
class Program:
    records: tuple[Any, ...] = ()
    genes: tuple[Gene, ...] = ()
    late: bool = False
    """Whether records may be late; only where every record moves alone."""


@dataclass(frozen=True)
class Made:
    """A stream, and what is known of it."""

    stream: DataStream[Any]
    ordered: bool = False
    """Its records come in one order only, and from one subtask."""
    stamped: bool = False
    """Its records are made by `Stamp`."""
    loops: int = 0


atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-20, 20),
    st.sampled_from(["", "a", "жук", "🜁", "\x00", 0.0, 1.0, 2**70]),
)
values = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["", "k", "ü"]), inner, max_size=2)
    ),
    max_leaves=4,
)
genes = st.builds(
    Gene, st.integers(0, 60), st.integers(0, 20), st.integers(0, 20), st.integers(0, 6)
)
programs = st.builds(
    Program,
    st.lists(values, max_size=40).map(tuple),
    st.lists(genes, min_size=1, max_size=12).map(tuple),
)
late_programs = st.builds(
    Program,
    st.lists(st.integers(0, 200), max_size=40).map(tuple),
    st.lists(genes, min_size=1, max_size=5).map(tuple),
    st.just(True),
)


VALUES: tuple[Any, ...] = (
    *(None, 0, "", False, True, (), [], {}, "жук", "🜁", 1.0, 2**70, -3, 7, "a"),
    *([1, [None]], ("x", 2), {"k": [1]}, 5, 12),
)


def drawn(chance: random.Random, *, late: bool = False) -> Program:
    """A program at random: on average larger than those of Hypothesis."""
    count = chance.choice([0, 1, 3, 10, 40])
    records = (chance.randrange(200) if late else chance.choice(VALUES) for _ in range(count))
    found = tuple(records)
    made = (
        Gene(chance.randrange(61), chance.randrange(21), chance.randrange(21), chance.randrange(7))
        for _ in range(chance.randint(1, 5 if late else 12))
    )
    return Program(found, tuple(made), late)


class Builder:
    """Builds a program in an environment of that parallelism."""

    def __init__(self, env: StreamEnvironment, program: Program, parallelism: int) -> None:
        self.env = env
        self.program = program
        self.parallelism = parallelism
        self.made: list[Made] = []
        self.ends: list[tuple[Any, bool]] = []
        """What is collected, and whether in an order that is decided."""

    def build(self) -> list[tuple[Any, bool]]:
        self.source(0)
        for number, gene in enumerate(self.program.genes):
            source = self.made[-1 - gene.one % min(len(self.made), 3)]
            operators = self.possible(source)
            operators[gene.op % len(operators)](source, gene, number)
        for each in self.made[-3:]:
            self.ends.append((each.stream.collect(), each.ordered))
        return self.ends

    def source(self, seed: int) -> Made:
        records = list(self.program.records)
        if seed:
            records = [*records[seed % (len(records) + 1) :], *range(seed % 5)]
        one = self.parallelism == 1 or seed % 2 == 0
        stream = self.env.from_collection(records, parallelism=1 if one else None)
        return self.add(stream, ordered=one)

    def add(self, stream: DataStream[Any], *, ordered: bool = False, stamped: bool = False) -> Made:
        made = Made(stream, ordered or (self.parallelism == 1 and ordered), stamped)
        self.made.append(made)
        return made

    def possible(self, made: Made) -> list[Callable[[Made, Gene, int], None]]:
        if self.program.late:
            return self.with_lateness(made)
        found = [
            self.maps, self.filters, self.flat_maps, self.batches, self.policies, self.waits,
            self.splits, self.unions, self.counts, self.counting, self.distinct, self.aggregates,
            self.sorts, self.folds, self.joins, self.co_maps, self.co_flat_maps, self.iterates,
            self.concats, self.stamps, self.more_sources, self.extremes, self.window_counts,
        ]  # fmt: skip
        if made.ordered:
            found += [self.reduces, self.remembers, self.limits, self.sums, self.lists]
        if made.stream.timed and made.stamped:
            found += [self.windows, self.timers, self.interval_joins, self.window_joins] * 2
        return found

    # One record at a time

    def narrow(self, made: Made, stream: DataStream[Any], n: int) -> tuple[DataStream[Any], bool]:
        """Keep an order by having one subtask, or give it up."""
        if made.ordered and (self.parallelism == 1 or n % 2):
            return stream.set_parallelism(1), True
        return stream, self.parallelism == 1 and made.ordered

    def one_by_one(self, made: Made, stream: DataStream[Any], gene: Gene) -> None:
        if gene.other % 5 == 0:
            stream = stream.disable_chaining()
        stream, ordered = self.narrow(made, stream, gene.n)
        self.add(stream, ordered=ordered)

    def maps(self, made: Made, gene: Gene, number: int) -> None:
        fn = (f.Double, f.Wrap, f.Nothing)[gene.other % 3](gene.n)
        self.one_by_one(made, self.moved(made, gene).map(fn), gene)

    def moved(self, made: Made, gene: Gene) -> DataStream[Any]:
        """Records are dealt anew sometimes."""
        if self.parallelism > 1 and not made.ordered and gene.other % 4 == 1:
            return made.stream.rebalance()
        return made.stream

    def filters(self, made: Made, gene: Gene, number: int) -> None:
        stream = made.stream.filter(f.Kept(gene.n))
        stream, ordered = self.narrow(made, stream, gene.n)
        self.add(stream, ordered=ordered, stamped=made.stamped)

    def flat_maps(self, made: Made, gene: Gene, number: int) -> None:
        self.one_by_one(made, made.stream.flat_map(f.Several(gene.n)), gene)

    def batches(self, made: Made, gene: Gene, number: int) -> None:
        self.one_by_one(made, made.stream.map_batch(f.Batches(gene.n)), gene)

    def policies(self, made: Made, gene: Gene, number: int) -> None:
        stream: DataStream[Any]
        kind = gene.other % 4
        if kind == 0:
            stream = made.stream.map(f.Picky(gene.n))
        elif kind == 1:
            stream = made.stream.flat_map(f.PickyMany(gene.n))
        elif kind == 2:
            stream = made.stream.filter(f.PickyKept(gene.n))
        else:
            stream = made.stream.async_map(f.PickyWaits(gene.n))
        policies = ("skip", "route") if kind in (1, 2) else ("skip", "route", "continue")
        policy = policies[gene.n % len(policies)]
        stream, ordered = self.narrow(made, stream.on_error(policy), gene.n)
        if policy == "route":
            self.ends.append((stream.dead_letters().map(item_of).collect(), False))
        self.add(stream, ordered=ordered)

    def waits(self, made: Made, gene: Gene, number: int) -> None:
        in_order = gene.n % 2 == 0
        stream = made.stream.async_map(
            f.Waits(gene.n), concurrency=1 + gene.other % 5, ordered=in_order
        )
        stream, ordered = self.narrow(made, stream, gene.other)
        self.add(stream, ordered=ordered and in_order)

    def splits(self, made: Made, gene: Gene, number: int) -> None:
        for each in made.stream.split(f.Way(gene.n), 3):
            self.add(each, ordered=made.ordered and self.parallelism == 1, stamped=made.stamped)

    # By key

    def counts(self, made: Made, gene: Gene, number: int) -> None:
        self.add(made.stream.key_by(f.Key(gene.n)).count())

    def counting(self, made: Made, gene: Gene, number: int) -> None:
        stream = made.stream.key_by(f.Key(gene.n)).process(f.Counting(gene.n), sides=("third",))
        self.ends.append((stream.side_output("third").collect(), False))
        self.add(stream)

    def reduces(self, made: Made, gene: Gene, number: int) -> None:
        self.add(made.stream.key_by(f.Key(gene.n)).reduce(f.Merge(gene.n)))

    def sums(self, made: Made, gene: Gene, number: int) -> None:
        self.add(made.stream.key_by(f.Key(gene.n)).sum(f.Weight(gene.n)))

    def extremes(self, made: Made, gene: Gene, number: int) -> None:
        keyed = made.stream.key_by(f.Key(gene.n))
        best = keyed.min if gene.other % 2 else keyed.max
        stream = best(f.Weight(gene.n)) if made.ordered else keyed.count()
        self.add(stream)

    def remembers(self, made: Made, gene: Gene, number: int) -> None:
        self.add(made.stream.key_by(f.Key(gene.n)).process(f.Remembering(gene.n)))

    def aggregates(self, made: Made, gene: Gene, number: int) -> None:
        keyed = made.stream.key_by(f.Key(gene.n))
        if gene.other % 2:
            self.add(keyed.reduce_all(f.Sum(0)).map(f.Weight(500)))
        else:
            self.add(keyed.aggregate(int, f.Sum(gene.n)))

    def distinct(self, made: Made, gene: Gene, number: int) -> None:
        self.add(made.stream.map(f.Weight(gene.n)).distinct())

    def window_counts(self, made: Made, gene: Gene, number: int) -> None:
        """The last windows are of different sizes in another order, their number is not."""
        if made.ordered:
            size = 1 + gene.n
            window = Count(size, 1 + gene.other % size if gene.other % 2 else None)
            keyed = made.stream.key_by(f.Key(gene.n)).window(window)
            self.add(keyed.process(f.Sorted(0)))
        else:
            self.counts(made, gene, number)

    # Whole streams

    def sorts(self, made: Made, gene: Gene, number: int) -> None:
        stream = made.stream.sort(f.Text(0), descending=gene.n % 2 == 1)
        self.add(stream, ordered=True, stamped=made.stamped)

    def folds(self, made: Made, gene: Gene, number: int) -> None:
        self.add(made.stream.fold(int, f.Sum(0)), ordered=True)

    def lists(self, made: Made, gene: Gene, number: int) -> None:
        self.add(made.stream.to_list(), ordered=True)

    def limits(self, made: Made, gene: Gene, number: int) -> None:
        self.add(made.stream.limit(gene.n * gene.other), ordered=True, stamped=made.stamped)

    # Several streams

    def partner(self, gene: Gene) -> Made:
        return self.made[gene.other % len(self.made)]

    def unions(self, made: Made, gene: Gene, number: int) -> None:
        other = self.partner(gene)
        timed = made.stream.timed and other.stream.timed
        self.add(made.stream.union(other.stream), stamped=timed and made.stamped and other.stamped)

    def joins(self, made: Made, gene: Gene, number: int) -> None:
        how = ("inner", "left", "right", "outer")[gene.n % 4]
        key, other = f.Number(gene.n), self.partner(gene).stream
        self.add(made.stream.join(other, key, key, f.Pair(gene.n), how=how))

    def co_maps(self, made: Made, gene: Gene, number: int) -> None:
        both = made.stream.connect(self.partner(gene).stream)
        self.add(both.co_map(f.First(gene.n), f.Second(gene.n)))

    def co_flat_maps(self, made: Made, gene: Gene, number: int) -> None:
        both = made.stream.connect(self.partner(gene).stream)
        if gene.n % 2:
            both = both.key_by(f.Key(gene.n), f.Key(gene.n))
        self.add(both.co_flat_map(f.ManyFirst(gene.n), f.ManySecond(gene.n)))

    def concats(self, made: Made, gene: Gene, number: int) -> None:
        other = self.partner(gene)
        self.add(made.stream.concat(other.stream), ordered=made.ordered and other.ordered)

    def iterates(self, made: Made, gene: Gene, number: int) -> None:
        stream = made.stream if not made.stream.timed else made.stream.sort(f.Text(0))
        step = f.Countdown(gene.n)
        self.add(stream.iterate(lambda inner: inner.map(step).partition(f.going_on)))

    def more_sources(self, made: Made, gene: Gene, number: int) -> None:
        self.source(1 + number + gene.other)

    # Event time

    def stamps(self, made: Made, gene: Gene, number: int) -> None:
        stream = made.stream.map(f.Stamp(gene.n)).assign_timestamps(
            f.time_of, max_out_of_orderness=DISORDER
        )
        self.add(stream, stamped=True)

    def window_of(self, gene: Gene) -> Any:
        size = 5 + 13 * gene.n
        return (
            Tumbling(size),
            Sliding(size, 1 + size // 3),
            Sliding(size + 4, size),
            Session(1 + 4 * gene.n),
            Tumbling(size, offset=3),
        )[gene.other % 5]

    def windows(self, made: Made, gene: Gene, number: int) -> None:
        windowed = made.stream.key_by(f.Key(gene.n)).window(self.window_of(gene))
        if gene.one % 3 == 0:
            stream = windowed.process(f.Sorted(0))
        elif gene.one % 3 == 1:
            stream = windowed.fold(int, f.Sum(0), int.__add__, result=f.Framed(0))
        else:
            stream = windowed.count()
        self.add(stream)

    def timers(self, made: Made, gene: Gene, number: int) -> None:
        self.add(made.stream.key_by(f.Key(gene.n)).process(f.Totals(gene.n)))

    def timed_partner(self, gene: Gene) -> Made:
        found = [made for made in self.made if made.stamped and made.stream.timed]
        return found[gene.other % len(found)]

    def interval_joins(self, made: Made, gene: Gene, number: int) -> None:
        other, key = self.timed_partner(gene), f.Key(gene.n)
        left, right = made.stream.key_by(key), other.stream.key_by(key)
        self.add(left.interval_join(right, -gene.n, 2 * gene.n, f.Pair(gene.n)))

    def window_joins(self, made: Made, gene: Gene, number: int) -> None:
        how = ("inner", "left", "right", "outer")[gene.n % 4]
        other, key = self.timed_partner(gene), f.Key(gene.n)
        left, right = made.stream.key_by(key), other.stream.key_by(key)
        self.add(left.window_join(right, self.window_of(gene), f.Pair(gene.n), how=how))

    # Late records: a line of operators, where every record moves alone

    def with_lateness(self, made: Made) -> list[Callable[[Made, Gene, int], None]]:
        if not made.stream.timed:
            return [self.late_stamps]
        if made.stamped:
            return [self.late_windows, self.late_windows, self.filters]
        return [self.maps]

    def late_stamps(self, made: Made, gene: Gene, number: int) -> None:
        stamped = made.stream.map(f.Stamp(gene.n))
        stream = stamped.assign_timestamps(f.time_of, max_out_of_orderness=5 * gene.other)
        self.add(stream, stamped=True)

    def late_windows(self, made: Made, gene: Gene, number: int) -> None:
        windowed = made.stream.key_by(f.Key(gene.n)).window(self.window_of(gene)).late_output()
        if gene.one % 2:
            windowed = windowed.allowed_lateness(gene.one * 3)
        stream = (
            windowed.process(f.Sorted(0))
            if gene.op % 2
            else windowed.fold(int, f.Sum(0), int.__add__, result=f.Framed(0))
        )
        self.ends.append((stream.side_output("late").collect(), True))
        self.add(stream)


def item_of(letter: Any) -> Any:
    return letter["item"]
