"""`weft monitor metrics|logs|jobs`: what streaming jobs on this machine say of themselves."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from weft_engine.kernel import status
from weft_engine.kernel.metrics.prometheus import exposition
from weft_engine.kernel.status import JobStatus
from weft_server.cli.console import Lang, err, grid, language, out, out_json
from weft_server.cli.progress import duration

FAILED: Final = 1
_LOOK_S: Final = 0.5
_CLEAR: Final = "\x1b[H\x1b[J"

_WORDS: Final = {
    "en": {"none": "There are no jobs.", "no_job": "There is no job {job!r}.",
           "no_metrics": "The job has not reported yet.",
           "jobs": ["id", "name", "state", "process", "started", "for", "restarts", "records"],
           "operators": ["operator", "stage", "in", "in/s", "out", "out/s", "busy %", "waits in %",
                         "waits out %", "queue", "state", "errors"],
           "head": "{name} ({id}): {state}, {time}, {n} records read, {memory}",
           "checkpoints": "checkpoints: {n} made, {failed} failed; the last took {time} and stopped"
                          " the stream for {pause}, {size}",
           "lag": "event time is {time} behind the clock", "restarts": "started again {n} times"},
    "zh": {"none": "还没有作业。", "no_job": "没有作业 {job!r}。",
           "no_metrics": "该作业还没有报告。",
           "jobs": ["编号", "名称", "状态", "进程", "开始", "时长", "重启", "记录"],
           "operators": ["算子", "阶段", "输入", "输入/秒", "输出", "输出/秒", "忙 %", "等待输入 %",
                         "等待输出 %", "队列", "状态", "错误"],
           "head": "{name}（{id}）：{state}，{time}，读取 {n} 条，{memory}",
           "checkpoints": "检查点：{n} 个完成，{failed} 个失败；最近一个用时 {time}，"
                          "停顿 {pause}，{size}",
           "lag": "事件时间落后时钟 {time}", "restarts": "已重启 {n} 次"},
}  # fmt: skip


def add_parser(subparsers: Any) -> None:
    """Declare the command and its parts."""
    parser = subparsers.add_parser("monitor", help="watch the streaming jobs of this machine")
    parts = parser.add_subparsers(metavar="ACTION", title="actions", required=True)
    where = _where()
    job = argparse.ArgumentParser(add_help=False)
    job.add_argument("--job", metavar="J", help="its id or name; default: the latest")

    metrics = parts.add_parser("metrics", parents=[where, job], help="show what operators do")
    metrics.add_argument("--live", action="store_true", help="again and again, until it is over")
    metrics.add_argument("--prometheus", action="store_true", help="as Prometheus reads them")
    metrics.set_defaults(act=_metrics)

    logs = parts.add_parser("logs", parents=[where, job], help="show what a job has logged")
    logs.add_argument("--tail", type=int, default=100, metavar="N", help="how many lines")
    logs.add_argument("--follow", action="store_true", help="go on, until the job is over")
    logs.set_defaults(act=_logs)

    listing = parts.add_parser("jobs", parents=[where], help="list jobs, also those of late")
    listing.set_defaults(act=_jobs)
    parser.set_defaults(run=run)


def _where() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help="the folder of their status; default: the user's"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--lang", choices=["en", "zh"])
    return parser


def run(args: argparse.Namespace) -> int:
    """Show it; 1 if there is no such job."""
    args.dir = args.dir or status.default_folder()
    return int(args.act(args, language(args.lang)))


def find(folder: Path, name: str | None) -> JobStatus | None:
    """A job by its id, its name or the beginning of its id: the latest, those at work first."""
    found = sorted(status.jobs(folder), key=lambda job: not job.live)
    if name is None:
        return found[0] if found else None
    named = [job for job in found if name in (job.id, job.name)]
    begun = [job for job in found if job.id.startswith(name)]
    return next(iter([*named, *begun]), None)


def _missing(args: argparse.Namespace, lang: Lang) -> int:
    words = _WORDS[lang]
    err(str(words["none" if args.job is None else "no_job"]).format(job=args.job))
    return FAILED


# Jobs


def _jobs(args: argparse.Namespace, lang: Lang) -> int:
    found = status.jobs(args.dir)
    if args.json:
        out_json([_as_data(job) for job in found])
        return 0
    if not found:
        out(str(_WORDS[lang]["none"]))
        return 0
    for line in grid(list(_WORDS[lang]["jobs"]), [_row(job) for job in found]):
        out(line)
    return 0


def _as_data(job: JobStatus) -> dict[str, Any]:
    return {**job.about, "state": job.state, "folder": str(job.folder)}


def _row(job: JobStatus) -> list[Any]:
    metrics = job.metrics()
    end = job.ended_ms if job.ended_ms is not None else time.time() * 1000 if job.live else None
    started = datetime.fromtimestamp(job.started_ms / 1000).astimezone()
    return [
        job.id,
        job.name,
        job.state,
        job.pid,
        started.strftime("%Y-%m-%d %H:%M:%S"),
        "" if end is None else duration(end - job.started_ms),
        job.attempt,
        None if metrics is None else metrics["records_in"],
    ]


# Metrics


def _metrics(args: argparse.Namespace, lang: Lang) -> int:
    if args.prometheus:
        return _prometheus(args, lang)
    job = find(args.dir, args.job)
    if job is None:
        return _missing(args, lang)
    if not args.live:
        return _show(job, args, lang)
    shown = None
    while True:
        job = status.read(job.folder) or job
        metrics = job.metrics()
        stamp = (job.state, metrics and metrics["time_ms"])
        if stamp != shown:
            shown = stamp
            if sys.stdout.isatty() and not args.json:
                out(_CLEAR)
            _show(job, args, lang)
        if not job.live:
            return 0
        time.sleep(_LOOK_S)


def _show(job: JobStatus, args: argparse.Namespace, lang: Lang) -> int:
    metrics = job.metrics()
    if args.json:
        data = {**(metrics or {}), "state": job.state}
        if args.live:
            out(json.dumps(data, ensure_ascii=False))
        else:
            out_json(data)
        return 0
    if metrics is None:
        err(str(_WORDS[lang]["no_metrics"]))
        return 0 if args.live else FAILED
    for line in table({**metrics, "state": job.state}, lang):
        out(line)
    return 0


def _prometheus(args: argparse.Namespace, lang: Lang) -> int:
    if args.job is not None:
        one = find(args.dir, args.job)
        if one is None:
            return _missing(args, lang)
        chosen = [one]
    else:
        chosen = [job for job in status.jobs(args.dir) if job.live]
    known = [(job, job.metrics()) for job in chosen]
    out(exposition({**m, "state": job.state} for job, m in known if m is not None).rstrip("\n"))
    return 0


def table(metrics: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    """The metrics of a job as lines."""
    words = _WORDS[lang]
    head = {
        "name": metrics["job"],
        "id": metrics["id"],
        "state": metrics["state"],
        "time": duration(metrics["uptime_s"] * 1000),
        "n": f"{metrics['records_in']:,}",
        "memory": size(metrics["memory_bytes"]),
    }
    yield str(words["head"]).format(**head)
    if metrics["restarts"]:
        yield str(words["restarts"]).format(n=metrics["restarts"])
    made = metrics["checkpoints"]
    if made["last_duration_s"] is not None:
        yield str(words["checkpoints"]).format(
            n=made["completed"],
            failed=made["failed"],
            time=duration(made["last_duration_s"] * 1000),
            pause=duration(made["last_pause_ms"]),
            size=size(made["last_bytes"]),
        )
    lags = [s["watermark_lag_ms"] for s in metrics["stages"] if s["watermark_lag_ms"] is not None]
    if lags and metrics["state"] not in status.OVER:
        yield str(words["lag"]).format(time=duration(max(lags)))
    yield ""
    yield from grid(list(words["operators"]), _operators(metrics))


def _operators(metrics: Mapping[str, Any]) -> list[list[Any]]:
    stages = {stage["id"]: stage for stage in metrics["stages"]}
    live = metrics["state"] not in status.OVER
    rows = []
    for operator in metrics["operators"]:
        stage = stages[operator["stage"]]
        first = stage["operators"][0] == operator["uid"]
        rows.append(
            [
                operator["name"],
                f"{stage['id']} × {stage['parallelism']}",
                operator["records_in"],
                round(operator["records_in_per_s"]) if live else None,
                operator["records_out"],
                round(operator["records_out_per_s"]) if live else None,
                round(100 * operator["busy"]) if live else None,
                round(100 * stage["blocked_in"]) if first and live else None,
                round(100 * stage["blocked_out"]) if first and live else None,
                stage["queue_records"] if first and live else None,
                operator["state_entries"] or None,
                operator["errors"] or None,
            ]
        )
    return rows


def size(bytes_: float) -> str:
    """A size with a sensible unit."""
    for unit in ("B", "KiB", "MiB"):
        if bytes_ < 1024:
            return f"{bytes_:.0f} {unit}"
        bytes_ /= 1024
    return f"{bytes_:.1f} GiB"


# Logs


def _logs(args: argparse.Namespace, lang: Lang) -> int:
    job = find(args.dir, args.job)
    if job is None:
        return _missing(args, lang)
    lines = [line for path in job.logs for line in _lines(path)]
    for line in lines[-args.tail :] if args.tail > 0 else []:
        _print(line, as_json=args.json)
    if args.follow:
        for line in _following(job):
            _print(line, as_json=args.json)
    return 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _following(job: JobStatus) -> Iterator[str]:
    """Lines that come from now on; also in the file that takes the place of a full one."""
    path = job.logs[-1]
    file = path.open(encoding="utf-8", errors="replace") if path.exists() else None
    if file is not None:
        file.seek(0, 2)
    part = ""
    try:
        while True:
            live = (status.read(job.folder) or job).live
            while file is not None and (line := file.readline()):
                part += line
                if part.endswith("\n"):
                    yield part.rstrip("\n")
                    part = ""
            replaced = _replaced(path, file)
            if replaced:
                if file is not None:
                    file.close()
                file = path.open(encoding="utf-8", errors="replace")
            elif not live:
                return
            else:
                time.sleep(_LOOK_S)
    finally:
        if file is not None:
            file.close()


def _replaced(path: Path, file: Any) -> bool:
    """Whether there is another file under that name."""
    try:
        now = path.stat()
    except OSError:
        return False
    if file is None:
        return True
    return os.fstat(file.fileno()).st_ino != now.st_ino


def _print(line: str, *, as_json: bool) -> None:
    if as_json:
        out(line)
        return
    try:
        found = json.loads(line)
        moment = datetime.fromisoformat(found["time"]).astimezone()
    except (ValueError, KeyError, TypeError):
        out(line)
        return
    who = found.get("operator")
    where = f" {who}[{found.get('subtask', '')}]" if who else ""
    out(f"{moment:%H:%M:%S} {found.get('level', '')}{where} {found.get('message', '')}")
    if found.get("traceback"):
        out(found["traceback"])
