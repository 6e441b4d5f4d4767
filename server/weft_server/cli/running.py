"""A run in this process: what `weft run` asks of the engine, with or without a journal."""

import argparse
import json
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from weft_engine.compiler.asked import require_outputs
from weft_engine.errors import FlowError, register_codes
from weft_engine.flow.dump import to_data
from weft_engine.flow.file import read_file
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.executor import Executor
from weft_engine.runs.journal.base import JournalStore, SignalRow
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.ownership import alone, open_journal
from weft_engine.runs.programs import read_flow
from weft_engine.runs.queue import Job
from weft_engine.runs.run import RunRequest, RunResult
from weft_engine.runs.runner import refused
from weft_server.cli.again import attempt
from weft_server.cli.called_flows import called_flows
from weft_server.cli.debugger import Debugger, read_breakpoint

register_codes(
    {
        "run.needs_data": "What was asked for needs a directory that keeps runs.",
        "run.not_in_data": "The directory has no run of that name.",
        "run.bad_pin": "An output that is to be used instead of running a node cannot be read.",
    }
)

Hear = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is kept."""

    data: Path
    store: JournalStore | None
    owner: str


@contextmanager
def place(args: argparse.Namespace) -> Iterator[Place]:
    """The directory that keeps runs, or one that goes when the run has ended."""
    if args.data is None:
        with TemporaryDirectory(prefix="weft-") as folder:
            yield Place(Path(folder), None, "")
        return
    with alone(args.data, wait_s=0) as owner:
        store = open_journal("", args.data)
        try:
            yield Place(args.data, store, owner)
        finally:
            store.close()


def request_of(
    args: argparse.Namespace, flow: Flow, inputs: dict[str, Any], where: Place
) -> RunRequest:
    """What the arguments ask for.

    Raises:
        FlowError: `run.bad_breakpoint`, or `run.needs_data`.
    """
    forked_from = _latest(flow, where) if args.from_node or args.only_changed else None
    return RunRequest(
        run_id=f"run_{secrets.token_hex(8)}",
        flow=to_data(flow),
        inputs=inputs,
        env=args.env or flow.env or "local",
        from_node=args.from_node,
        to_node=args.to_node,
        files_root=args.root or ".",
        confined=args.root is not None,
        allow_hosts=("*",) if args.allow_private else (),
        breakpoints=[read_breakpoint(text) for text in args.breakpoint],
        only_changed=args.only_changed,
        forked_from=None if args.to_node else forked_from,
        flows=called_flows(flow, Path(args.file).parent),
        durability="sync" if where.store is not None else "none",
    )


def resumed(args: argparse.Namespace, where: Place) -> RunRequest:
    """The request of an earlier run, to go on with; signals are put where it finds them.

    One that has ended is tried again.

    Raises:
        FlowError: `run.not_in_data`, `run.needs_data`, or as `again.attempt`.
    """
    if where.store is None:
        raise _needs_data("--resume")
    entry = where.store.entry(args.resume)
    if entry is None:
        raise FlowError(
            f"There is no run {args.resume!r} in {args.data}.",
            code="run.not_in_data",
            hint="Give the directory with which it was started.",
            params={"id": args.resume},
        )
    flow = read_file(Path(args.file)) if args.current else None
    called = called_flows(flow, Path(args.file).parent) if flow is not None else None
    again = attempt(args, entry, flow, called)
    if again is not None:
        return again
    for text in args.signal:
        name, equals, value = text.partition("=")
        row = SignalRow(
            id=secrets.token_hex(8),
            name=name,
            payload=_value(value) if equals else None,
            at=time.time(),
        )
        where.store.signal(entry.id, row)
    return replaced(entry.request, resume=True, last_seq=0)


def replaced(request: RunRequest, **fields: Any) -> RunRequest:
    """The request with other fields."""
    import msgspec

    return msgspec.structs.replace(request, **fields)


def go(
    executor: Executor, request: RunRequest, hear: Hear, args: argparse.Namespace, lang: str
) -> RunResult | None:
    """Run it; None when another process runs it now."""
    job = Job(request)
    debugger: Debugger | None = None
    if request.breakpoints:
        debugger = Debugger(
            request.breakpoints, OutputStore(executor.data), lang, _teller(job), _canceller(job)
        )

    def emit(events: list[Any]) -> None:
        for event in events:
            plain = event.as_dict()
            hear(plain)
            if debugger is not None:
                debugger.event(plain)

    executor.emit = emit
    with ExitStack() as stack:
        live = request.flow.get("mode") == "streaming" and executor.store is not None
        stack.enter_context(_stopped_by_signals(job, _halter(job) if live else _canceller(job)))
        if debugger is not None:
            debugger.start()
            stack.callback(debugger.close)
        try:
            return executor.run(job)
        except FlowError as error:
            return refused(job.request, error, lambda event: emit([event]))


def pinned(flow: Flow, pins: list[str]) -> Flow:
    """The flow with outputs that are used instead of running their nodes: `NODE.PORT=VALUE`.

    Raises:
        FlowError: `run.bad_pin`, `run.unknown_node`, or `run.unknown_port`.
    """
    if not pins:
        return flow
    plain, catalogue = to_data(flow), Catalogue.installed()
    for text in pins:
        place_, equals, value = text.partition("=")
        node, dot, port = place_.partition(".")
        if not equals or not dot:
            raise FlowError(
                f"The output {text!r} cannot be read.",
                code="run.bad_pin",
                hint="Write it as NODE.PORT=VALUE.",
                params={"text": text},
            )
        require_outputs(flow, catalogue, {node: {port: None}})
        known = plain["nodes"][node].get("pinned") or {}
        plain["nodes"][node]["pinned"] = {**known, port: _value(value)}
    return read_flow(plain)


def _latest(flow: Flow, where: Place) -> str | None:
    """The newest ended run of a flow of that name; what it did is used again."""
    if where.store is None:
        return None
    for run_id, _ in where.store.ended():
        entry = where.store.entry(run_id)
        if entry is not None and entry.request.flow.get("name") == flow.name:
            return run_id
    return None


def _needs_data(option: str) -> FlowError:
    return FlowError(
        f"{option} needs a directory that keeps runs.",
        code="run.needs_data",
        hint="Add --data DIR, the same as for the runs before.",
        params={"option": option},
    )


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _teller(job: Job) -> Callable[[Any], None]:
    def tell(command: Any) -> None:
        with job.lock:
            if job.control is not None:
                job.control.tell(command)

    return tell


def _canceller(job: Job) -> Callable[[], None]:
    def cancel() -> None:
        job.cancelled = True
        if job.control is not None:
            job.control.cancel()

    return cancel


def _halter(job: Job) -> Callable[[], None]:
    def halt() -> None:
        if job.control is None:  # it has not begun
            raise KeyboardInterrupt
        job.cancelled = True
        job.control.halt()

    return halt


@contextmanager
def _stopped_by_signals(job: Job, stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl+C stops the run; a second Ctrl+C does not wait for it."""

    def ask(_signal: int, _frame: FrameType | None) -> None:
        if job.cancelled:
            raise KeyboardInterrupt
        stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
