"""`weft run pipeline.py`: a streaming program, with what the command line decides about it."""

import argparse
import re
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote
from types import FrameType, ModuleType, TracebackType
from typing import Any, Final, NoReturn

from weft_engine.errors import WeftError, said
from weft_engine.kernel import ProgramError, status
from weft_engine.kernel.durations import seconds
from weft_engine.kernel.outside import Overrides, Submitted, overrides
from weft_server.cli.console import Lang, describe, err, language
from weft_server.cli.progress import duration

FAILED, INVALID, INTERRUPTED, TERMINATED = 1, 2, 130, 143
_CANCEL_S: Final = 20.0
_FRAME: Final = re.compile(r'File "(.+)", line (\d+), in (\S+)')

_WORDS: Final = {
    "en": {"finished": "✓ {job}: finished after {time}, {n} records read",
           "failed": "✗ {job}: failed after {time}", "cancelled": "– {job}: cancelled",
           "operator": "operator", "at": "at", "record": "record", "cause": "cause",
           "hint": "hint", "where": "{name} ({uid}), subtask {subtask}",
           "debug": "--debug shows the traceback", "running": "▸ {job}: running; {watch} shows it"},
    "zh": {"finished": "✓ {job}：已完成，用时 {time}，读取 {n} 条",
           "failed": "✗ {job}：失败，用时 {time}", "cancelled": "– {job}：已取消",
           "operator": "算子", "at": "位置", "record": "记录", "cause": "原因",
           "hint": "建议", "where": "{name}（{uid}），子任务 {subtask}",
           "debug": "--debug 显示完整回溯", "running": "▸ {job}：运行中；{watch} 查看"},
}  # fmt: skip


class _TerminatedError(KeyboardInterrupt):
    """Somebody wants the process to end: SIGTERM."""


def run(args: argparse.Namespace) -> int:
    """Run the program; 0 when its jobs finished, 1 when one failed, 2 when it cannot run."""
    path = Path(args.file)
    lang = language(args.lang)
    try:
        with (
            _terminable(),
            overrides(
                args.env, args.parallelism, settings=_settings(args), resume=args.resume
            ) as given,
        ):
            return _Program(path, args.rest, lang, debug=args.debug).run(given)
    except ProgramError as error:
        err(describe(args.file, error.as_dict()))
        return INVALID


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "status_dir": str(args.status_dir or status.default_folder().absolute())
    }
    if args.checkpoint_dir is not None:
        settings["checkpoint_dir"] = str(args.checkpoint_dir.absolute())
    if args.checkpoint_interval is not None:
        interval = seconds(args.checkpoint_interval, "--checkpoint-interval", least=1)
        settings["checkpoint_interval_s"] = interval
    return settings


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM is taken like Ctrl+C."""

    def terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise _TerminatedError

    # Also where whoever started it has Ctrl+C ignored, as shells do behind `&`.
    wanted = {signal.SIGTERM: terminate, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Program:
    """One run of a program."""

    def __init__(self, path: Path, words: list[str], lang: Lang, *, debug: bool) -> None:
        self._path = path
        self._words = words
        self._texts = _WORDS[lang]
        self._debug = debug
        self._began = time.monotonic()
        self._told: set[str] = set()

    def run(self, given: Overrides) -> int:
        """Run it and everything it submits to the end; the exit code."""
        try:
            code = self._execute()
            for each in tuple(given.jobs):
                self._wait(each)
        except KeyboardInterrupt as interrupt:
            self._cancel(given.jobs)
            return TERMINATED if isinstance(interrupt, _TerminatedError) else INTERRUPTED
        except Exception as error:  # noqa: BLE001 - whatever it is, people must be told
            self._cancel(given.jobs, but=error)
            return self._failed(error, given.jobs)
        if not given.jobs and code == 0:
            problem = ProgramError(
                "the program has ended without submitting a job",
                code="program.not_submitted",
                hint="Call submit() on its environment.",
            )
            err(describe(str(self._path), problem.as_dict()))
            return INVALID
        for each in given.jobs:
            self._show_end(each.job)
        return code

    def _execute(self) -> int:
        """Run the file as Python runs scripts."""
        if not self._path.is_file():
            raise ProgramError(
                f"there is no file {self._path}", code="file.not_found", hint="Check the path."
            )
        path = str(self._path.resolve())
        sys.argv = [str(self._path), *self._words]
        sys.path.insert(0, str(Path(path).parent))
        try:
            names = runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            if end.code is not None and not isinstance(end.code, int):
                err(str(end.code))
                return FAILED
            return end.code or 0
        # Jobs may go on, and look for the program's classes where they were made.
        main = ModuleType("__main__")
        main.__dict__.update(names)
        sys.modules["__main__"] = main
        return 0

    def _wait(self, each: Submitted) -> None:
        if each.job.state in status.OVER:
            each.close()
            return
        watch = f"weft monitor metrics --live --job {quote(each.job.id)}"
        err(self._texts["running"].format(job=each.job.name, watch=watch))
        try:
            each.job.wait()
        finally:
            if each.job.state in status.OVER:
                each.close()

    def _cancel(self, jobs: list[Submitted], but: BaseException | None = None) -> None:
        """Let the jobs that still run go, all at once."""
        running = [each for each in jobs if each.job.state not in status.OVER]
        for each in running:
            each.job.cancel()
        for each in running:
            with suppress(Exception):
                each.job.wait(_CANCEL_S)
            each.close()
        for each in jobs:
            if but is None or each.job.error is not but:
                self._show_end(each.job)

    def _show_end(self, job: Any) -> None:
        if job.id in self._told or job.state not in self._texts:
            return
        self._told.add(job.id)
        took = duration((time.monotonic() - self._began) * 1000)
        records = f"{job.metrics().records_in:,}"
        err(self._texts[job.state].format(job=job.name, time=took, n=records))

    # Failures

    def _failed(self, error: Exception, jobs: list[Submitted]) -> int:
        if isinstance(error, BrokenPipeError):
            raise error  # whoever read the output has gone
        job = next((each.job for each in jobs if each.job.error is error), None)
        if self._debug:
            traceback.print_exception(error)
        if job is None:
            return self._program_failed(error)
        took = duration((time.monotonic() - self._began) * 1000)
        err(self._texts["failed"].format(job=job.name, time=took))
        report = job.failure
        if report is None:
            self._lines([("cause", said(error)), ("hint", getattr(error, "hint", ""))])
        else:
            where = self._texts["where"].format(
                name=report.operator, uid=report.uid, subtask=report.subtask
            )
            self._lines(
                [
                    ("operator", where),
                    ("at", self._frame(report.traceback)),
                    ("record", "" if report.sample is None else repr(report.sample)),
                    ("cause", f"{report.type}: {report.message}"),
                    ("hint", report.hint or _hint(report.sample)),
                ]
            )
        if not self._debug:
            err(f"  {self._texts['debug']}")
        return FAILED

    def _program_failed(self, error: Exception) -> int:
        """It failed before or beside its jobs."""
        if isinstance(error, WeftError):
            err(describe(str(self._path), error.as_dict()))
            return INVALID if isinstance(error, ProgramError) else FAILED
        place = self._own_line(error)
        err(f"{place}: {type(error).__qualname__}: {said(error)}")
        if not self._debug:
            err(f"  {self._texts['debug']}")
        return FAILED

    def _own_line(self, error: BaseException) -> str:
        """The last line of the program that led to an error."""
        own = str(self._path.resolve())
        found: TracebackType | None = error.__traceback__
        line = error.lineno if isinstance(error, SyntaxError) else None
        while found is not None:
            if found.tb_frame.f_code.co_filename == own:
                line = found.tb_lineno
            found = found.tb_next
        return str(self._path) if line is None else f"{self._path}:{line}"

    def _frame(self, text: str) -> str:
        """Where in the program an operator failed, by the traceback of its process."""
        own = str(self._path.resolve())
        frames = [found for found in _FRAME.findall(text) if found[0] == own]
        if not frames:
            return ""
        _, line, name = frames[-1]
        return f"{self._path}:{line} ({name})"

    def _lines(self, rows: list[tuple[str, str]]) -> None:
        for name, text in rows:
            if text:
                err(f"  {self._texts[name]}: {' '.join(text.split())}")


def _hint(sample: Any) -> str:
    if sample is None:
        return ""
    return 'on_error("skip") or on_error("route") behind the operator lives with such records.'
