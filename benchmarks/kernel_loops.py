"""How near the generated loops of the kernel come to loops written by hand.

Job A: a million numbers in lists of 1024; add one, keep the even ones, a running sum for each of
100 keys, and count what comes out. The loops by hand keep no list of what comes out; the generated
one does, for it does not know that it is only counted. Rounds take turns, so that all of them see
the same machine; the best of each counts, in CPU time.
"""

import time
from collections.abc import Callable
from typing import Any

from weft_engine.kernel.batch import Batch
from weft_engine.kernel.codegen.build import make_operators
from weft_engine.kernel.codegen.compiled import _compiled
from weft_engine.kernel.codegen.expressions import _parse
from weft_engine.kernel.codegen.fused import FusedOperator
from weft_engine.kernel.inline import Inline
from weft_engine.kernel.physical import OperatorSpec, Stage
from weft_engine.kernel.settings import Settings
from weft_engine.kernel.testing import HarnessContext

COUNT = 1_000_000
BATCH = 1024
ROUNDS = 9
BATCHES = [list(range(at, min(at + BATCH, COUNT))) for at in range(0, COUNT, BATCH)]

EXPRESSIONS = (
    Inline("item + 1"),
    Inline("item % 2 == 0"),
    Inline("item % 100"),
    Inline("held + item", "held", "item"),
)
FUNCTIONS = (
    lambda x: x + 1,
    lambda x: x % 2 == 0,
    lambda x: x % 100,
    lambda a, b: a + b,
)


class Counting(HarnessContext):
    """Counts what is emitted instead of keeping it."""

    def __init__(self, spec: OperatorSpec) -> None:
        super().__init__(spec, BATCH, 0, {}, Settings())
        self.count_out = 0

    def emit(self, batch: Batch, output: int = 0, operator: int = -1) -> None:
        """Count."""
        self.count_out += len(batch.values)


def by_hand() -> int:
    """Everything in one loop."""
    state: dict[int, int] = {}
    get = state.get
    count = 0
    for batch in BATCHES:
        for x in batch:
            y = x + 1
            if y % 2 == 0:
                key = y % 100
                held = get(key)
                state[key] = y if held is None else held + y
                count += 1
    return count


def by_hand_with_functions() -> int:
    """The same, calling the functions that the operators are given."""
    add, even, find, both = FUNCTIONS
    state: dict[int, int] = {}
    get = state.get
    count = 0
    for batch in BATCHES:
        for x in batch:
            y = add(x)
            if even(y):
                key = find(y)
                held = get(key)
                state[key] = y if held is None else both(held, y)
                count += 1
    return count


def generated(functions: Any, variant: Any = "fast") -> Callable[[], int]:
    """The loop that the kernel makes of three operators."""
    add, even, find, both = functions

    def run() -> int:
        specs = (
            OperatorSpec("add", "map", "add", {"fn": add}),
            OperatorSpec("even", "filter", "even", {"fn": even}),
            OperatorSpec("sum", "reduce_running", "sum", {"fn": both}, key=find),
        )
        operators = make_operators(Stage(0, "job A", specs, 1), variant=variant)
        contexts = [Counting(spec) for spec in specs]
        for operator, context in zip(operators, contexts, strict=True):
            operator.open(context)
        process = operators[0].process
        for batch in BATCHES:
            process(0, Batch(batch))
        for operator in operators:
            operator.finish()
        return contexts[-1].count_out

    return run


def without_samples(functions: Any) -> Callable[[], int]:
    """The same without the instrumented batches."""
    run = generated(functions)

    def plain() -> int:
        before = FusedOperator.sample_every
        FusedOperator.sample_every = COUNT
        try:
            return run()
        finally:
            FusedOperator.sample_every = before

    return plain


def compile_hundred(kind: str) -> float:
    """Milliseconds from a hundred operators to their loop, nothing of it known before."""

    def function(number: int) -> Any:
        text = f"item['field {number}'] + n * 2"
        return Inline(text, n=3) if kind == "expressions" else (lambda x: x)

    specs = tuple(OperatorSpec(f"m{n}", "map", "m", {"fn": function(n)}) for n in range(100))
    best = float("inf")
    for _ in range(5):
        _compiled.cache_clear()
        _parse.cache_clear()
        contexts = [Counting(spec) for spec in specs]
        operators = make_operators(Stage(0, "hundred", specs, 1))
        for operator, context in zip(operators, contexts, strict=True):
            operator.open(context)
        first = operators[0]
        assert isinstance(first, FusedOperator)
        began = time.process_time()
        first.prepare_loop("fast")
        best = min(best, time.process_time() - began)
    return best * 1000


def main() -> None:
    """Measure, and print."""
    jobs: dict[str, Callable[[], int]] = {
        "by hand": by_hand,
        "generated, expressions": generated(EXPRESSIONS),
        "… without samples": without_samples(EXPRESSIONS),
        "… always instrumented": generated(EXPRESSIONS, "instrumented"),
        "by hand, calling functions": by_hand_with_functions,
        "generated, functions": generated(FUNCTIONS),
        "… without samples ": without_samples(FUNCTIONS),
    }
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            began = time.process_time()
            assert job() == COUNT // 2
            best[name] = min(best[name], time.process_time() - began)
    for name, seconds in best.items():
        print(f"{name:30} {COUNT / seconds / 1e6:6.1f} M records/s")
    for kind, whole, reference in (
        ("expressions", "generated, expressions", "by hand"),
        ("functions", "generated, functions", "by hand, calling functions"),
    ):
        print(f"ratio, {kind:23} {best[reference] / best[whole]:6.2f}")
    share = best["generated, expressions"] / best["… without samples"] - 1
    print(f"cost of sampling               {share:6.1%}")
    for kind in ("expressions", "functions"):
        print(f"compile 100 maps, {kind:12} {compile_hundred(kind):6.1f} ms")


if __name__ == "__main__":
    main()
