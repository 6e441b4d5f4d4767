"""`weft run FILE`: a flow without a server; progress on stderr, outputs on stdout.

A file of Python is a streaming program: see `program`.
"""

import argparse
import json
import secrets
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Final

from weft_engine.compiler.check import check
from weft_engine.errors import WeftError
from weft_engine.flow.file import read_file
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunResult, RunState
from weft_engine.runs.runner import run_flow
from weft_server.cli.console import Lang, columns_of, describe, err, grid, language, out, out_json
from weft_server.cli.inputs import parse
from weft_server.cli.progress import Progress, duration

_WORDS: Final = {
    "en": {"completed": "Completed in {time}", "failed": "Failed after {time}",
           "cancelled": "Cancelled after {time}", "more": "… {n} more; --json prints all of them",
           "kept": "… {n} more; --json prints the first {kept}", "left": "… {n} more, not shown",
           "none": "(no records)"},
    "zh": {"completed": "已完成，用时 {time}", "failed": "失败，用时 {time}",
           "cancelled": "已取消，用时 {time}", "more": "……还有 {n} 条；加 --json 输出全部",
           "kept": "……还有 {n} 条；加 --json 输出前 {kept} 条", "left": "……还有 {n} 条未显示",
           "none": "（没有记录）"},
}  # fmt: skip
MOST_ROWS: Final = 20
FAILED, INVALID, INTERRUPTED = 1, 2, 130
_REFUSALS: Final = {"run.unknown_env", "run.mode_unsupported"}
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
    parser.add_argument("--lang", choices=["en", "zh"], help="language of what is shown")
    _add_program_options(parser)
    parser.set_defaults(run=run)


def _add_program_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "streaming programs", "words behind -- are the program's own arguments"
    )
    group.add_argument(
        "--resume", metavar="FROM", help="go on from the latest checkpoint, or a savepoint's path"
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
    catalogue = Catalogue.installed()
    try:
        flow = _read(args)
        inputs = parse(flow, args.input)
    except WeftError as error:
        return _refuse(args, [{**error.as_dict(), "severity": "error"}])
    problems = [problem.model_dump(mode="json") for problem in check(flow, catalogue)]
    if any(problem["severity"] == "error" for problem in problems):
        return _refuse(args, problems)
    result = _run(args, flow, inputs, catalogue)
    _show(args, result, _titles(flow, catalogue))
    if result.failure is not None and result.failure["code"] in _REFUSALS:
        return INVALID
    return {RunState.COMPLETED: 0, RunState.CANCELLED: INTERRUPTED}.get(result.state, FAILED)


def _is_program(args: argparse.Namespace) -> bool:
    return str(args.file).endswith(".py")


def _strange_option(args: argparse.Namespace) -> str:
    """What is wrong with the options: some are for flows, others for programs."""
    flows = {"--input": args.input, "--json": args.json, "--root": args.root,
             "--allow-private": args.allow_private}  # fmt: skip
    programs = {"--resume": args.resume, "--checkpoint-dir": args.checkpoint_dir,
                "--checkpoint-interval": args.checkpoint_interval,
                "--status-dir": args.status_dir, "--debug": args.debug,
                "--": args.rest}  # fmt: skip
    wrong = flows if _is_program(args) else programs
    given = [name for name, value in wrong.items() if value]
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


def _run(
    args: argparse.Namespace, flow: Flow, inputs: dict[str, Any], catalogue: Catalogue
) -> RunResult:
    progress = Progress(_titles(flow, catalogue), language(args.lang))
    root = Path(args.root or ".")
    try:
        with TemporaryDirectory(prefix="weft-") as folder, _cancelled_by_signals() as cancel:
            return run_flow(
                flow,
                catalogue,
                run_id=f"run_{secrets.token_hex(8)}",
                inputs=inputs,
                files=LocalFiles(root, confined=args.root is not None),
                emit=lambda event: progress.event(event.as_dict()),
                store=OutputStore(Path(folder)),
                cancel=cancel,
                env=args.env or "local",
                allow_hosts=("*",) if args.allow_private else (),
            )
    finally:
        progress.close()


def _titles(flow: Flow, catalogue: Catalogue) -> dict[str, str]:
    """What nodes are called; with the id where several have the same name."""
    names = {key: node.name or _title(node.type, catalogue) for key, node in flow.nodes.items()}
    times = Counter(names.values())
    return {key: name if times[name] == 1 else f"{name} ({key})" for key, name in names.items()}


def _title(kind: str, catalogue: Catalogue) -> str:
    spec = catalogue.spec(kind)
    return spec.name if spec is not None else kind


@contextmanager
def _cancelled_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl+C sets; a second Ctrl+C does not wait for the run."""
    cancel = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(args: argparse.Namespace, result: RunResult, titles: Mapping[str, str]) -> None:
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
    if result.failure is not None:
        where = result.failure.get("node")
        err(describe(f"{args.file}:{where}" if where else args.file, result.failure))
    err(_WORDS[lang][result.state.value].format(time=duration(result.duration_ms)))


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
