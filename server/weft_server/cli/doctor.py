"""`weft doctor`: looks whether this machine and a data directory are fit for Weft."""

import argparse
import importlib.util
import os
import platform
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from weft_server.cli.console import language, out, out_json
from weft_server.settings import Settings

State = Literal["ok", "warning", "failed"]
LEAST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 500_000_000
_MARKS = {"ok": "✓", "warning": "!", "failed": "✗"}


class Finding(NamedTuple):
    """What one check found, and what to do about it."""

    name: str
    state: State
    en: str
    zh: str
    hint_en: str = ""
    hint_zh: str = ""


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("doctor", help="check this machine and the data directory")
    parser.add_argument("--data", type=Path, metavar="DIR", help="default ./weft-data")
    parser.add_argument("--port", type=int, help="the port the server is to use; default 8900")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--lang", choices=["en", "zh"], help="language of the findings")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print all findings; 1 if something is broken."""
    settings = Settings.from_environment(data=args.data, port=args.port)
    findings = [finding for check in CHECKS for finding in check(settings)]
    if args.json:
        out_json([finding._asdict() for finding in findings])
    else:
        zh = language(args.lang) == "zh"
        for finding in findings:
            out(f"{_MARKS[finding.state]} {finding.zh if zh else finding.en}")
            hint = finding.hint_zh if zh else finding.hint_en
            if hint:
                out(f"  → {hint}")
    return 1 if any(finding.state == "failed" for finding in findings) else 0


def _python(_settings: Settings) -> Iterator[Finding]:
    version = platform.python_version()
    fits = sys.version_info >= LEAST_PYTHON
    yield Finding(
        "python",
        "ok" if fits else "failed",
        f"Python {version} on {platform.system()} {platform.machine()}",
        f"Python {version}，{platform.system()} {platform.machine()}",
        "" if fits else "Weft needs Python 3.11 or newer.",
        "" if fits else "Weft 需要 Python 3.11 或更高版本。",
    )


def _accelerators(_settings: Settings) -> Iterator[Finding]:
    missing = [name for name in ("uvloop", "httptools") if importlib.util.find_spec(name) is None]
    if missing:
        names = ", ".join(missing)
        yield Finding(
            "accelerators",
            "warning",
            f"{names} not installed; the server works, only slower",
            f"未安装 {names}；服务器可以运行，只是慢一些",
        )


def _ray(_settings: Settings) -> Iterator[Finding]:
    found = importlib.util.find_spec("ray") is not None
    yield Finding(
        "ray",
        "ok" if found else "warning",
        "Ray is installed" if found else "Ray is not installed; flows run on this machine only",
        "已安装 Ray" if found else "未安装 Ray；流程只能在本机运行",
    )


def _web_app(_settings: Settings) -> Iterator[Finding]:
    built = (Path(__file__).parents[1] / "static" / "index.html").is_file()
    yield Finding(
        "web_app",
        "ok" if built else "warning",
        "the web app is built" if built else "the web app is not built",
        "网页已构建" if built else "网页尚未构建",
        "" if built else "Run `make setup` in the checkout.",
        "" if built else "请在代码目录中执行 `make setup`。",
    )


def _node_types(_settings: Settings) -> Iterator[Finding]:
    from weft_engine.nodes.catalogue import Catalogue

    catalogue = Catalogue.installed()
    yield Finding(
        "node_types",
        "ok" if len(catalogue) else "failed",
        f"{len(catalogue)} node types",
        f"{len(catalogue)} 种节点",
    )
    for problem in catalogue.problems:
        yield Finding(
            "node_types",
            "warning",
            f"{problem.source}: {problem.message}",
            f"{problem.source}：{problem.message}",
            problem.hint,
            problem.hint,
        )


def _data_directory(settings: Settings) -> Iterator[Finding]:
    data = settings.data
    if not data.is_dir():
        yield Finding(
            "data",
            "warning",
            f"{data} does not exist yet; `weft serve` makes it",
            f"{data} 尚不存在；执行 `weft serve` 时会创建",
        )
        return
    if not os.access(data, os.W_OK):
        yield Finding("data", "failed", f"{data} cannot be written", f"无法写入 {data}")
    free = shutil.disk_usage(data).free
    enough = free >= LEAST_FREE_BYTES
    yield Finding(
        "disk",
        "ok" if enough else "warning",
        f"{free / 1e9:.1f} GB free at {data}",
        f"{data} 所在磁盘剩余 {free / 1e9:.1f} GB",
    )
    for path in (settings.data, data / "key", data / "weft.db", settings.setup_token_file):
        yield from _privacy(path)


def _privacy(path: Path) -> Iterator[Finding]:
    if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding(
            "privacy",
            "failed" if path.name == "key" else "warning",
            f"other users of this machine can read {path}",
            f"本机其他用户可以读取 {path}",
            f"Run: chmod go-rwx {path}",
            f"请执行：chmod go-rwx {path}",
        )


def _database(settings: Settings) -> Iterator[Finding]:
    if not settings.database and not (settings.data / "weft.db").is_file():
        return
    from weft_server.database import HEAD, Database
    from weft_server.errors import StorageError

    database = Database(settings.database_url)
    try:
        revision = database.revision()
        with database.read() as session:
            sound = database.is_sound(session)
    except StorageError as error:
        yield Finding("database", "failed", error.message, "无法读取数据库", error.hint)
        return
    finally:
        database.close()
    yield Finding(
        "database",
        "ok" if sound else "failed",
        f"the database is {'sound' if sound else 'damaged'}, at revision {revision}",
        f"数据库{'完好' if sound else '已损坏'}，版本 {revision}",
        "" if sound else "Restore it from a backup.",
        "" if sound else "请从备份中恢复。",
    )
    if revision != HEAD:
        yield Finding(
            "migrations",
            "warning",
            f"the database is at revision {revision}, this version uses {HEAD}",
            f"数据库版本为 {revision}，当前程序使用 {HEAD}",
            "`weft serve` brings it up to date.",
            "执行 `weft serve` 会自动升级。",
        )


def _port(settings: Settings) -> Iterator[Finding]:
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex(("127.0.0.1", settings.port)) == 0
    where = f"127.0.0.1:{settings.port}"
    yield Finding(
        "port",
        "ok",
        f"something answers at {where}" if taken else f"{where} is free",
        f"{where} 已有程序在监听" if taken else f"{where} 可用",
    )


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _python,
    _accelerators,
    _ray,
    _web_app,
    _node_types,
    _data_directory,
    _database,
    _port,
)
