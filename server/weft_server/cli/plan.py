"""`weft plan FILE`: how a flow will be carried out: scopes, units, chains of operators."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from weft_engine.compiler.plan import plan
from weft_engine.compiler.program import ProgramOptions
from weft_engine.errors import WeftError
from weft_engine.flow.file import read_file
from weft_engine.nodes.catalogue import Catalogue
from weft_server.cli.called_flows import called_flows
from weft_server.cli.console import Lang, describe, err, language, out, out_json

_WORDS: Final = {
    "en": {"top": "flow", "on_error": "when the run has failed", "chain": "chain",
           "after": "after {}", "lifted": "for each record", "width": "at most {} side by side",
           "at_once": "{} at a time", "reads": "reads {} from outside", "notes": "Optimised",
           "not_done": "not done", "skipped": "Left out",
           "edges": "Edges that convert", "parallelism": "parallelism",
           "lift": "each record", "collect": "collected into a list", "explode": "taken apart",
           "single": "a stream of one",
           "disabled": "disabled", "input_skipped": "what it needs is left out",
           "unused": "nothing comes of it",
           "stream": "stream", "call": "call", "map": "each record", "container": "container",
           "why.values": "single values", "why.records": "record by record",
           "why.effects": "changes something outside", "why.io": "waits for files or services",
           "why.model": "asks a model", "why.parks": "may wait for long",
           "why.breakpoint": "has a breakpoint", "why.container": "runs what lies in it"},
    "zh": {"top": "流程", "on_error": "运行失败后", "chain": "链", "after": "在 {} 之后",
           "lifted": "逐条处理", "width": "最多 {} 个同时进行", "at_once": "同时 {} 个",
           "reads": "读取外部的 {}", "notes": "优化", "not_done": "未做", "skipped": "不执行",
           "edges": "发生转换的连线", "parallelism": "并行度", "lift": "逐条",
           "collect": "收集为列表", "explode": "拆成逐条", "single": "单条的流",
           "disabled": "已停用", "input_skipped": "所需的输入不执行", "unused": "输出无人使用",
           "stream": "流式", "call": "调用", "map": "逐条调用", "container": "容器",
           "why.values": "单个值", "why.records": "逐条流过",
           "why.effects": "会改变外部", "why.io": "等待文件或服务",
           "why.model": "调用模型", "why.parks": "可能等待很久",
           "why.breakpoint": "有断点", "why.container": "运行其中的节点"},
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
        found = describe_plan(Path(args.file))
    except WeftError as error:
        return _refuse(args, error)
    if args.json:
        out_json(found)
    else:
        for line in _lines(found, language(args.lang)):
            out(line)
    return 0


def describe_plan(path: Path) -> dict[str, Any]:
    """The plan of a flow file as data.

    Raises:
        FlowError: the file or one that it calls cannot be read, or the flow has errors.
    """
    flow = read_file(path)
    options = ProgramOptions(flows=called_flows(flow, path.parent))
    found = plan(flow, Catalogue.installed(), options)
    nodes = found["nodes"]
    return {
        **found,
        "lifted": sorted(name for name, node in nodes.items() if node["lifted"]),
        "conversions": {
            edge["id"]: edge["how"]
            for edge in found["edges"]
            if edge["how"] not in ("same", "subtype", "")
        },
        "skipped": {name: node["skipped"] for name, node in nodes.items() if node["skipped"]},
    }


def _refuse(args: argparse.Namespace, error: WeftError) -> int:
    problems = error.params.get("problems") or [error.as_dict()]
    if args.json:
        out_json({"state": "invalid", "problems": problems})
        return 2
    for problem in problems:
        node = problem.get("node")
        err(describe(f"{args.file}:{node}" if node else args.file, problem))
    return 2


def _lines(found: dict[str, Any], lang: Lang) -> Iterator[str]:
    words = _WORDS[lang]
    yield (
        f"{found['flow']} · {found['mode']} · {words['parallelism']} {found['parallelism']} · "
        + words["width"].format(found["width"])
    )
    shown = [chain["id"] for chain in found["chains"] if _shown(chain)]
    numbers = {chain: str(at) for at, chain in enumerate(shown, start=1)}
    for scope in found["scopes"]:
        yield ""
        title = scope["path"] or words["top"]
        yield f"{title} · {words['on_error']}" if scope["on_error"] else title
        for unit in scope["units"]:
            yield from _unit(found, unit, scope, numbers, words)
    yield from _rest(found, words)


def _unit(
    found: dict[str, Any],
    unit: dict[str, Any],
    scope: dict[str, Any],
    numbers: dict[int, str],
    words: dict[str, str],
) -> Iterator[str]:
    marks = [words[f"why.{unit['why']}"]]
    if unit["before"]:
        marks.insert(0, words["after"].format(", ".join(str(one + 1) for one in unit["before"])))
    if unit["width"] > 1:
        marks.append(words["at_once"].format(unit["width"]))
    if unit["kind"] == "container":
        reads = scope["reads"].get(unit["nodes"][0].rpartition("/")[2], ())
        if reads:
            marks.append(words["reads"].format(", ".join(".".join(read) for read in reads)))
    nodes = " ".join(unit["nodes"])
    yield f"  {unit['id'] + 1}  {words[unit['kind']]}  {nodes}  ({' · '.join(marks)})"
    for at in unit["chains"]:
        chain = found["chains"][at]
        if at not in numbers:
            continue
        sources = ", ".join(dict.fromkeys(numbers[one] for one in _sources(found, at)))
        yield f"     {words['chain']} {numbers[at]}" + (f" ← {sources}" if sources else "")
        for operator in _shown(chain):
            mark = f"  · {words['lifted']}" if operator["node"] in found["lifted"] else ""
            kind = operator["kind"].removesuffix("_factory").replace("_", " ")
            line = f"       {kind:<10} {operator['node']:<16} {operator['name']}{mark}"
            yield line.rstrip()


def _rest(found: dict[str, Any], words: dict[str, str]) -> Iterator[str]:
    if found["conversions"]:
        yield ""
        yield words["edges"]
        for edge, how in found["conversions"].items():
            yield f"  {edge}  {words.get(how, how)}"
    if found["notes"]:
        yield ""
        yield words["notes"]
        for note in found["notes"]:
            message = note["zh"] if words is _WORDS["zh"] else note["message"]
            mark = "" if note["done"] else f"  ({words['not_done']})"
            yield f"  {note['rule']}  {', '.join(note['nodes'])}  {message}{mark}".rstrip()
    if found["skipped"]:
        yield ""
        yield words["skipped"]
        for node, reason in found["skipped"].items():
            yield f"  {node}  {words.get(reason, reason)}"


def _shown(chain: dict[str, Any]) -> list[dict[str, Any]]:
    return [operator for operator in chain["operators"] if not _internal(operator)]


def _internal(operator: dict[str, Any]) -> bool:
    """Whether it only watches what passes: of no interest to people."""
    return operator["name"].startswith("tap ") or not operator["node"]


def _sources(found: dict[str, Any], chain: int) -> Iterator[int]:
    """The chains that it reads from, looking through those that only watch."""
    for exchange in found["exchanges"]:
        if exchange["to"] != chain:
            continue
        source = exchange["from"]
        if all(_internal(operator) for operator in found["chains"][source]["operators"]):
            yield from _sources(found, source)
        else:
            yield source
