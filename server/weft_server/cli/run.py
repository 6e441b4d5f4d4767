"""`weft run FILE`: a flow without a server; progress on stderr, outputs on stdout.

A file of Python is a streaming program: see `program`.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from weft_engine.compiler.check import check
from weft_engine.errors import WeftError
from weft_engine.flow.file import read_file
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.executor import Executor
from weft_engine.runs.programs import read_flow
from weft_engine.runs.run import RunRequest, RunResult, RunState
from weft_engine.runs.survey import Survey
from weft_server.cli import again, running
from weft_server.cli.console import Lang, columns_of, describe, err, grid, language, out, out_json
from weft_server.cli.inputs import parse
from weft_server.cli.progress import Progress, duration
from weft_server.cli.waits import Waits

_WORDS: Final = {
    "en": {"completed": "Completed in {time}", "failed": "Failed after {time}",
           "cancelled": "Cancelled after {time}", "more": "… {n} more; --json prints all of them",
           "kept": "… {n} more; --json prints the first {kept}", "left": "… {n} more, not shown",
           "none": "(no records)", "kept_as": "Kept as {run}",
           "elsewhere": "{run} is run by another process, or has ended",
           "waits": "The run waits. Go on: weft run {file} --resume {run} --data {data}",
           "halted": "Stopped; a savepoint keeps its state. "
                     "Go on: weft run {file} --resume {run} --data {data}"},
    "zh": {"completed": "已完成，用时 {time}", "failed": "失败，用时 {time}",
           "cancelled": "已取消，用时 {time}", "more": "……还有 {n} 条；加 --json 输出全部",
           "kept": "……还有 {n} 条；加 --json 输出前 {kept} 条", "left": "……还有 {n} 条未显示",
           "none": "（没有记录）", "kept_as": "保存为 {run}",
           "elsewhere": "{run} 正由另一个进程运行，或已经结束",
           "waits": "运行在等待。继续：weft run {file} --resume {run} --data {data}",
           "halted": "已停止；状态保存在保存点中。"
                     "继续：weft run {file} --resume {run} --data {data}"},
}  # fmt: skip
MOST_ROWS: Final = 20
FAILED, INVALID, WAITING, INTERRUPTED = 1, 2, 3, 130
_REFUSALS: Final = {"run.unknown_env", "stream.partial", "run.bad_breakpoint"}
"""Failures that the arguments or the flow are to blame for."""


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "run", help="run a flow file or a streaming program here, without a server"
    )
    parser.add_argument("file", metavar="FILE", help="flow file, YAML or JSON; or a program, .py")
    parser.add_argument(
        "--input", action="append", default=[], metavar="NAME=VALUE", help="value of a flow input"
    )
    parser.add_argument("--env", choices=["local", "processes", "ray"])
    parser.add_argument("--parallelism", type=_parallelism, metavar="N", help="subtasks at once")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--root", metavar="DIR", help="let the flow reach only files in DIR")
    parser.add_argument(
        "--allow-private",
        action="store_true",
        help="let HTTP nodes call private and local addresses",
    )
    _add_partial_options(parser)
    parser.add_argument("--lang", choices=["en", "zh"], help="language of what is shown")
    _add_program_options(parser)
    parser.set_defaults(run=run)


def _add_partial_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--from", dest="from_node", metavar="NODE", help="run this node and what follows it")
    add("--to", dest="to_node", metavar="NODE", help="run this node and what it needs")
    add("--pin", action="append", default=[], metavar="NODE.PORT=VALUE",
        help="use this output instead of running the node")  # fmt: skip
    add("--only-changed", action="store_true", help="run what changed since the last run in --data")
    add("--breakpoint", action="append", default=[], metavar="NODE[:before|after][:CONDITION]",
        help="stop there and ask what to do")  # fmt: skip
    add("--data", type=Path, metavar="DIR", help="keep the run there, so that it can go on")
    add("--current", action="store_true",
        help="with --resume of a run that failed: try FILE as it is now")  # fmt: skip
    add("--dry-run", action="store_true",
        help="with --resume of a run that failed: only say what would run")  # fmt: skip
    add("--signal", action="append", default=[], metavar="NAME[=VALUE]",
        help="with --resume: what the run waits for")  # fmt: skip


def _add_program_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "streaming programs", "words behind -- are the program's own arguments"
    )
    group.add_argument(
        "--resume",
        metavar="FROM",
        help="go on from the latest checkpoint, or a savepoint's path; of a flow: a run in --data",
    )
    group.add_argument("--checkpoint-dir", type=Path, metavar="DIR", help="keep checkpoints there")
    group.add_argument("--checkpoint-interval", metavar="T", help="make one so often: 5s, 1min")
    group.add_argument("--status-dir", type=Path, metavar="DIR", help="for weft monitor")
    group.add_argument("--debug", action="store_true", help="show tracebacks")


def run(args: argparse.Namespace) -> int:
    """Run the flow; 0 when it completed, 1 when it failed, 2 when it cannot be run at all."""
    strange = _strange_option(args)
    if strange:
        err(f"weft run: {strange}")
        return INVALID
    if _is_program(args):
        program = import_module("weft_server.cli.program")
        return int(program.run(args))
    with running.place(args) as where:
        return _run_at(args, where)


def _run_at(args: argparse.Namespace, where: running.Place) -> int:
    executor = Executor(
        where.data, lambda events: None, where.store, where.owner, read_outputs=True
    )
    catalogue = executor.warm_up()
    try:
        if args.resume:
            request = running.resumed(args, where)
            flow = read_flow(request.flow)
        else:
            flow = running.pinned(_read(args), args.pin)
            request = running.request_of(args, flow, parse(flow, args.input), where)
    except WeftError as error:
        return _refuse(args, [{**error.as_dict(), "severity": "error"}])
    found = check(flow, catalogue, flows=request.flows or None)
    problems = [problem.model_dump(mode="json") for problem in found]
    if any(problem["severity"] == "error" for problem in problems):
        return _refuse(args, problems)
    titles = _titles(flow, catalogue)
    lang = language(args.lang)
    _say_plan(args, executor, request, titles)
    if args.dry_run:
        return 0
    if where.store is not None:
        err(f"{_WORDS[lang]['kept_as'].format(run=request.run_id)}")
    return _go(args, executor, request, flow, titles)


def _say_plan(
    args: argparse.Namespace, executor: Executor, request: RunRequest, titles: Mapping[str, str]
) -> None:
    """What another attempt takes over."""
    survey = executor.survey(request) if request.retry and not request.resume else None
    if survey is not None:
        again.tell(survey, request.forked_from or "", titles, language(args.lang))
    if args.dry_run and args.json:
        out_json(msgspec.to_builtins(survey or Survey()))


def _go(
    args: argparse.Namespace,
    executor: Executor,
    request: RunRequest,
    flow: Flow,
    titles: Mapping[str, str],
) -> int:
    lang = language(args.lang)
    waits = Waits(args, request.run_id, lang)
    progress = Progress(titles, lang, live=False if request.breakpoints else None, waits=waits)
    try:
        result = running.go(executor, request, progress.event, args, lang)
    finally:
        progress.close()
    if result is None:
        err(_WORDS[lang]["elsewhere"].format(run=request.run_id))
        return FAILED
    if result.state is RunState.PAUSED:
        live = flow.mode == "streaming"
        if live:
            _show_outputs(args, result, titles)
        elif args.json:
            out_json({"state": "paused", "run": request.run_id, "waits": waits.listed()})
        words = _WORDS[lang]["halted" if live else "waits"]
        err(words.format(file=args.file, run=request.run_id, data=args.data))
        return INTERRUPTED if live else WAITING
    _show(args, result, titles)
    if result.failure is not None and result.failure["code"] in _REFUSALS:
        return INVALID
    return {RunState.COMPLETED: 0, RunState.CANCELLED: INTERRUPTED}.get(result.state, FAILED)


def _is_program(args: argparse.Namespace) -> bool:
    return str(args.file).endswith(".py")


def _strange_option(args: argparse.Namespace) -> str:
    """What is wrong with the options: some are for flows, others for programs."""
    flows = {"--input": args.input, "--json": args.json, "--root": args.root,
             "--allow-private": args.allow_private, "--from": args.from_node,
             "--to": args.to_node, "--pin": args.pin, "--only-changed": args.only_changed,
             "--breakpoint": args.breakpoint, "--data": args.data,
             "--signal": args.signal, "--current": args.current,
             "--dry-run": args.dry_run}  # fmt: skip
    programs = {"--checkpoint-dir": args.checkpoint_dir,
                "--checkpoint-interval": args.checkpoint_interval,
                "--status-dir": args.status_dir, "--debug": args.debug,
                "--": args.rest}  # fmt: skip
    wrong = flows if _is_program(args) else programs
    given = [name for name, value in wrong.items() if value]
    alone = [name for name in ("--current", "--dry-run") if flows[name] and not args.resume]
    if alone:
        return f"{alone[0]} needs --resume"
    kind = "flows" if _is_program(args) else "streaming programs (.py)"
    return f"{given[0]} is for {kind} only" if given else ""


def _parallelism(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1024:
        raise argparse.ArgumentTypeError("from 1 to 1024")
    return number


def _read(args: argparse.Namespace) -> Flow:
    flow = read_file(Path(args.file))
    return flow.replace(parallelism=args.parallelism) if args.parallelism else flow


def _refuse(args: argparse.Namespace, problems: list[dict[str, Any]]) -> int:
    if args.json:
        out_json({"state": "invalid", "problems": problems})
        return INVALID
    for problem in problems:
        node = problem.get("node")
        err(describe(f"{args.file}:{node}" if node else args.file, problem))
    return INVALID


def _titles(flow: Flow, catalogue: Catalogue) -> dict[str, str]:
    """What nodes are called; with the id where several have the same name."""
    names = {key: node.name or _title(node.type, catalogue) for key, node in flow.nodes.items()}
    times = Counter(names.values())
    return {key: name if times[name] == 1 else f"{name} ({key})" for key, name in names.items()}


def _title(kind: str, catalogue: Catalogue) -> str:
    spec = catalogue.spec(kind)
    return spec.name if spec is not None else kind


def _show(args: argparse.Namespace, result: RunResult, titles: Mapping[str, str]) -> None:
    _show_outputs(args, result, titles)
    if args.json:
        return
    if result.failure is not None:
        where = result.failure.get("node")
        err(describe(f"{args.file}:{where}" if where else args.file, result.failure))
    words = _WORDS[language(args.lang)]
    err(words[result.state.value].format(time=duration(result.duration_ms)))


def _show_outputs(args: argparse.Namespace, result: RunResult, titles: Mapping[str, str]) -> None:
    if args.json:
        out_json(
            {
                "state": result.state.value,
                "outputs": result.outputs,
                "duration_ms": result.duration_ms,
                "failure": result.failure,
            }
        )
        return
    lang = language(args.lang)
    for node, ports in result.outputs.items():
        for port, value in ports.items():
            _show_port(titles[node] if len(ports) == 1 else f"{titles[node]} · {port}", value, lang)


def _show_port(title: str, kept: Mapping[str, Any], lang: Lang) -> None:
    out(title)
    if kept.get("kind") == "records":
        for line in _records(kept["records"], int(kept["count"]), lang):
            out(line)
    else:
        out(_value(kept.get("value")))
    out()


def _records(records: list[Any], count: int, lang: Lang) -> Iterator[str]:
    shown = records[:MOST_ROWS]
    if not shown:
        yield _WORDS[lang]["none"]
    elif all(isinstance(record, dict) for record in shown):
        header = columns_of(shown)
        yield from grid(header, [[record.get(name) for name in header] for record in shown])
    else:
        yield from (_value(record) for record in shown)
    if count > len(shown):
        kept = "more" if len(records) == count else "kept" if len(records) > len(shown) else "left"
        yield _WORDS[lang][kept].format(n=f"{count - len(shown):,}", kept=f"{len(records):,}")


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
