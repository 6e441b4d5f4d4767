"""`weft plan FILE`: how a flow will be carried out: chains of operators, and what joins them."""

import argparse
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from weft_engine.compiler.compiled import Compiled, compile_flow
from weft_engine.compiler.lower import Lowered, lower
from weft_engine.compiler.selection import select
from weft_engine.errors import WeftError
from weft_engine.flow.file import read_file
from weft_engine.kernel.operators.base import Batch
from weft_engine.kernel.plan import make_plan
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.context import RunScope
from weft_engine.runs.files import LocalFiles
from weft_server.cli.console import Lang, describe, err, language, out, out_json

_WORDS: Final = {
    "en": {"chain": "chain", "lifted": "for each record",
           "skipped": "Left out", "edges": "Edges that convert", "parallelism": "parallelism",
           "lift": "each record", "collect": "collected into a list", "explode": "taken apart",
           "single": "a stream of one"},
    "zh": {"chain": "链", "lifted": "逐条处理", "skipped": "不执行",
           "edges": "发生转换的连线", "parallelism": "并行度", "lift": "逐条",
           "collect": "收集为列表", "explode": "拆成逐条", "single": "单条的流"},
}  # fmt: skip


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("plan", help="show how a flow file will be carried out")
    parser.add_argument("file", metavar="FILE", help="flow file, YAML or JSON")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument("--lang", choices=["en", "zh"], help="language of what is shown")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the plan; 2 when the flow has errors."""
    try:
        plan = describe_plan(Path(args.file))
    except WeftError as error:
        return _refuse(args, error)
    if args.json:
        out_json(plan)
    else:
        for line in _lines(plan, language(args.lang)):
            out(line)
    return 0


def describe_plan(path: Path) -> dict[str, Any]:
    """The physical plan of a flow file as data.

    Raises:
        FlowError: the file cannot be read, or the flow has errors.
    """
    flow = read_file(path)
    compiled = compile_flow(flow, Catalogue.installed())
    lowered = _lower(compiled)
    plan = make_plan(lowered.graph).describe()
    return {
        "flow": flow.name,
        "mode": flow.mode,
        "parallelism": flow.parallelism or 1,
        "chains": [
            {**chain, "operators": [_operator(operator) for operator in chain["operators"]]}
            for chain in plan["chains"]
        ],
        "exchanges": plan["edges"],
        "lifted": sorted(name for name, node in compiled.wiring.nodes.items() if node.lifted),
        "conversions": {
            edge: wired.how
            for edge, wired in sorted(compiled.wiring.edges.items())
            if wired.how not in ("same", "subtype", "")
        },
        "skipped": lowered.skipped,
    }


def _operator(operator: dict[str, Any]) -> dict[str, Any]:
    return {"node": operator.get("owner"), "kind": operator["kind"], "name": operator["name"]}


def _lower(compiled: Compiled) -> Lowered:
    scope = RunScope(
        run_id="plan",
        files=LocalFiles(Path(), confined=False),
        cancel=threading.Event(),
        log=lambda node, level, message: None,
        progress=lambda node, done, total: None,
        inputs={name: declared.default for name, declared in compiled.flow.inputs.items()},
        variables=compiled.flow.variables,
    )
    try:
        return lower(
            compiled,
            select(compiled.flow),
            context=scope.of,
            tap=lambda node, port, kind: _Blind(),
        )
    finally:
        scope.close()


class _Blind:
    """The tap of a plan: nothing will come through."""

    def take(self, batch: Batch, /) -> None:
        """See nothing."""

    def ended(self, *, absent: bool) -> None:
        """See nothing."""


def _refuse(args: argparse.Namespace, error: WeftError) -> int:
    problems = error.params.get("problems") or [error.as_dict()]
    if args.json:
        out_json({"state": "invalid", "problems": problems})
        return 2
    for problem in problems:
        node = problem.get("node")
        err(describe(f"{args.file}:{node}" if node else args.file, problem))
    return 2


def _lines(plan: dict[str, Any], lang: Lang) -> Iterator[str]:
    words = _WORDS[lang]
    yield f"{plan['flow']} · {plan['mode']} · {words['parallelism']} {plan['parallelism']}"
    chains = {chain["id"]: _shown(chain) for chain in plan["chains"] if _shown(chain)}
    numbers = {chain: str(at) for at, chain in enumerate(chains, start=1)}
    for chain, operators in chains.items():
        sources = ", ".join(dict.fromkeys(numbers[one] for one in _sources(plan, chain)))
        yield ""
        yield f"{words['chain']} {numbers[chain]}" + (f" ← {sources}" if sources else "")
        for operator in operators:
            node = operator["node"] or ""
            mark = f"  · {words['lifted']}" if node in plan["lifted"] else ""
            yield f"  {operator['kind']:<10} {node:<16} {operator['name']}{mark}".rstrip()
    if plan["conversions"]:
        yield ""
        yield words["edges"]
        for edge, how in plan["conversions"].items():
            yield f"  {edge}  {words.get(how, how)}"
    if plan["skipped"]:
        yield ""
        yield words["skipped"]
        for node, reason in plan["skipped"].items():
            yield f"  {node}  {reason}"


def _shown(chain: dict[str, Any]) -> list[dict[str, Any]]:
    return [operator for operator in chain["operators"] if not _internal(operator)]


def _internal(operator: dict[str, Any]) -> bool:
    """Whether it only watches what passes: of no interest to people."""
    return operator["name"].startswith("tap ") or not operator["node"]


def _sources(plan: dict[str, Any], chain: int) -> Iterator[int]:
    """The chains that it reads from, looking through those that only watch."""
    for exchange in plan["exchanges"]:
        if exchange["to"] != chain:
            continue
        source = exchange["from"]
        if all(_internal(operator) for operator in plan["chains"][source]["operators"]):
            yield from _sources(plan, source)
        else:
            yield source
