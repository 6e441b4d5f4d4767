"""The engine's process, for real: runs, cancelling, dying on either side."""

import asyncio
import contextlib
import json
import os
import select
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.runs import protocol
from weft_engine.runs.client import SupervisorClient
from weft_engine.runs.debug import Command
from weft_engine.runs.events import RUN_ENDS, RunEvent
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest

WAIT_S = 60.0


class Engine(SupervisorClient):
    """A client that keeps what it hears, and can be asked to wait for it."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 4,
        socket_path: Path | None = None,
        journal: Path | None = None,
    ) -> None:
        super().__init__(
            socket_path or folder / "engine.sock",
            folder,
            on_events=self.hear,
            workers=workers,
            journal=str(journal) if journal is not None else None,
        )
        self.folder = folder
        self.heard: dict[str, list[RunEvent]] = {}
        self.changed = asyncio.Event()

    def hear(self, events: Sequence[RunEvent]) -> None:
        for event in events:
            self.heard.setdefault(event.run, []).append(event)
        self.changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not holds():
                self.changed.clear()
                await self.changed.wait()

    async def end_of(self, run_id: str) -> RunEvent:
        await self.until(lambda: any(e.type in RUN_ENDS for e in self.heard.get(run_id, ())))
        return self.heard[run_id][-1]

    async def until_restarted(self) -> None:
        async with asyncio.timeout(WAIT_S):
            while not self.restarts:
                with contextlib.suppress(WeftError):
                    await self.ping()

    def types(self, run_id: str) -> list[str]:
        return [event.type for event in self.heard.get(run_id, ())]

    async def run(self, run_id: str, flow: dict[str, Any], **more: Any) -> RunEvent:
        await self.submit(self.request(run_id, flow, **more))
        return await self.end_of(run_id)

    def request(self, run_id: str, flow: dict[str, Any], **more: Any) -> RunRequest:
        return RunRequest(run_id=run_id, flow=flow, files_root=str(self.folder), **more)


class Silence:
    """A service that takes requests and never answers; knows who is waiting."""

    def __init__(self) -> None:
        self.arrived = asyncio.Semaphore(0)
        self.left = asyncio.Semaphore(0)
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.arrived.release()
        await reader.read()
        writer.close()
        self.left.release()

    def flow(self) -> dict[str, Any]:
        return {
            "format": "weft/1",
            "name": "Waits",
            "nodes": {
                "ask": {
                    "type": "http.request",
                    "settings": {"url": f"http://127.0.0.1:{self.port}/", "timeout_s": 300},
                }
            },
        }


@contextlib.asynccontextmanager
async def silence() -> AsyncIterator[Silence]:
    service = Silence()
    server = await asyncio.start_server(service.answer, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()


def with_engine(folder: Path, work: Callable[[Engine], Awaitable[Any]], **more: Any) -> Any:
    async def run() -> Any:
        engine = Engine(folder, **more)
        await engine.start()
        try:
            async with asyncio.timeout(2 * WAIT_S):
                return await work(engine)
        finally:
            await engine.stop()

    return asyncio.run(run())


HELLO = {
    "format": "weft/1",
    "name": "Hello",
    "inputs": {"who": {"default": "you"}},
    "nodes": {
        "who": {"type": "flow.input", "settings": {"name": "who"}},
        "hello": {"type": "text.template", "settings": {"template": "Hello {{ item }}"}},
        "show": {"type": "show.text"},
    },
    "edges": [
        {"source": "who", "source_port": "value", "target": "hello", "target_port": "item"},
        {"source": "hello", "source_port": "text", "target": "show", "target_port": "text"},
    ],
}


def test_a_run_goes_there_and_comes_back(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        end = await engine.run("run_1", HELLO, inputs={"who": "Kim"})
        assert end.type == "run_completed"
        events = engine.heard["run_1"]
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        shown = next(e for e in events if e.type == "node_output" and e.node == "show")
        assert OutputStore(tmp_path).read(shown.data["ref"])["value"] == "Hello Kim"
        assert engine.in_flight == frozenset()
        pong = await engine.ping()
        assert (pong.running, pong.waiting) == (0, 0)

    with_engine(tmp_path, work)


def test_many_runs_at_once(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        names = [f"run_{n}" for n in range(60)]
        ends = await asyncio.gather(
            *(engine.run(name, HELLO, tenant=f"t{n % 3}") for n, name in enumerate(names))
        )
        assert {end.type for end in ends} == {"run_completed"}
        for name in names:
            numbers = [event.seq for event in engine.heard[name]]
            assert numbers == list(range(1, len(numbers) + 1))

    with_engine(tmp_path, work, workers=2)


def test_a_flow_that_cannot_be_read_or_has_problems_fails_with_a_code(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        broken = {"format": "weft/1", "name": "x", "nodes": {"a": {"type": 5}}}
        end = await engine.run("run_1", broken)
        assert end.type == "run_failed"
        assert end.data["failure"]["code"] == "flow.file.bad_value"
        lost = {"format": "weft/1", "name": "x", "nodes": {"a": {"type": "no.such"}}}
        end = await engine.run("run_2", lost)
        assert end.data["failure"]["code"] == "flow.invalid"
        assert (await engine.run("run_3", HELLO)).type == "run_completed"

    with_engine(tmp_path, work)


def test_a_flow_does_not_reach_local_services_unless_listed(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        async with silence() as service:
            end = await engine.run("run_1", service.flow())
            assert end.data["failure"]["code"] == "http.address_refused"
            assert service.arrived.locked()

    with_engine(tmp_path, work)


def test_cancelling_what_runs_and_what_waits(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        async with silence() as service:
            hosts = (f"127.0.0.1:{service.port}",)
            running = engine.request("run_1", service.flow(), allow_hosts=hosts)
            await engine.submit(running)
            await service.arrived.acquire()
            await engine.submit(engine.request("run_2", HELLO))
            await engine.until(lambda: "run_queued" in engine.types("run_2"))
            pong = await engine.ping()
            assert (pong.running, pong.waiting) == (1, 1)
            await engine.cancel("run_2")
            assert (await engine.end_of("run_2")).type == "run_cancelled"
            assert engine.types("run_2") == ["run_queued", "run_cancelled"]
            await engine.cancel("run_1")
            assert (await engine.end_of("run_1")).type == "run_cancelled"
            await service.left.acquire()
            await engine.submit(engine.request("run_3", HELLO))
            assert (await engine.end_of("run_3")).type == "run_completed"

    with_engine(tmp_path, work, workers=1)


def test_a_waiting_run_counts_on_from_its_place(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        async with silence() as service:
            hosts = (f"127.0.0.1:{service.port}",)
            await engine.submit(engine.request("run_1", service.flow(), allow_hosts=hosts))
            await service.arrived.acquire()
            await engine.submit(engine.request("run_2", HELLO))
            await engine.until(lambda: "run_queued" in engine.types("run_2"))
            assert engine.heard["run_2"][0].data["position"] == 1
            await engine.cancel("run_1")
            await engine.end_of("run_2")
            numbers = [event.seq for event in engine.heard["run_2"]]
            assert numbers == list(range(1, len(numbers) + 1))
            assert engine.types("run_2")[:2] == ["run_queued", "run_started"]

    with_engine(tmp_path, work, workers=1)


def test_a_killed_engine_is_started_again_and_goes_on_with_its_runs(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        async with silence() as service:
            hosts = (f"127.0.0.1:{service.port}",)
            await engine.submit(engine.request("run_1", service.flow(), allow_hosts=hosts))
            await service.arrived.acquire()
            await engine.until(lambda: "node_started" in engine.types("run_1"))
            before = engine.pid
            assert before is not None
            os.kill(before, signal.SIGKILL)
            await service.arrived.acquire()
            assert engine.restarts == 1
            assert engine.pid not in (None, before)
            await engine.cancel("run_1")
            assert (await engine.end_of("run_1")).type == "run_cancelled"
            assert "run_resumed" in engine.types("run_1")
            numbers = [event.seq for event in engine.heard["run_1"]]
            assert numbers == list(range(1, len(numbers) + 1))
            assert (await engine.run("run_2", HELLO)).type == "run_completed"

    with_engine(tmp_path, work)


def test_a_run_that_is_cancelled_while_the_engine_is_away_does_not_go_on(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        async with silence() as service:
            hosts = (f"127.0.0.1:{service.port}",)
            await engine.submit(engine.request("run_1", service.flow(), allow_hosts=hosts))
            await service.arrived.acquire()
            await engine.until(lambda: "node_started" in engine.types("run_1"))
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
            await engine.cancel("run_1")
            assert (await engine.end_of("run_1")).type == "run_cancelled"
            assert engine.restarts == 1

    with_engine(tmp_path, work)


def test_a_run_without_a_journal_is_interrupted_when_the_engine_dies(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        async with silence() as service:
            hosts = (f"127.0.0.1:{service.port}",)
            request = engine.request("run_1", service.flow(), allow_hosts=hosts, durability="none")
            await engine.submit(request)
            await service.arrived.acquire()
            await engine.until(lambda: "node_started" in engine.types("run_1"))
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
            end = await engine.end_of("run_1")
            assert end.type == "run_failed"
            assert end.data["failure"]["code"] == "run.interrupted"
            assert end.data["failure"]["hint"]
            assert end.seq == len(engine.heard["run_1"])

    with_engine(tmp_path, work)


WAITS: dict[str, Any] = {
    "format": "weft/1",
    "name": "Waits",
    "inputs": {"who": {"default": "you"}},
    "nodes": {
        "who": {"type": "flow.input", "settings": {"name": "who"}},
        "go": {"type": "control.signal", "settings": {"name": "go"}},
        "show": {"type": "text.template", "settings": {"template": "Got {{ item }}"}},
    },
    "edges": [
        {"source": "who", "source_port": "value", "target": "go", "target_port": "item"},
        {"source": "go", "source_port": "received", "target": "show", "target_port": "item"},
    ],
}


def signal_command(number: int) -> Command:
    return Command(kind="signal", signal={"id": f"s{number}", "name": "go", "payload": "now"})


async def parked(engine: Engine, run_id: str) -> None:
    await engine.until(lambda: "run_paused" in engine.types(run_id))
    async with asyncio.timeout(WAIT_S):
        while (await engine.ping()).parked == 0:
            pass


@pytest.mark.parametrize("killed", [False, True], ids=["the same engine", "another engine"])
def test_a_parked_run_is_held_by_nobody_and_goes_on_by_its_signal(
    killed: bool, tmp_path: Path
) -> None:
    async def work(engine: Engine) -> None:
        await engine.submit(engine.request("run_1", WAITS))
        await parked(engine, "run_1")
        pong = await engine.ping()
        assert (pong.running, pong.parked) == (0, 1)
        if killed:
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
            await engine.until_restarted()
            await parked(engine, "run_1")
            assert not RUN_ENDS & set(engine.types("run_1"))
        assert await engine.tell("run_1", signal_command(1))
        assert (await engine.end_of("run_1")).type == "run_completed"
        numbers = [event.seq for event in engine.heard["run_1"]]
        assert numbers == list(range(1, len(numbers) + 1))
        with pytest.raises(WeftError) as caught:
            await engine.tell("run_1", Command(kind="pause"))
        assert caught.value.code == "run.not_active"

    with_engine(tmp_path, work)


def test_a_signal_sent_twice_counts_once_and_one_that_came_early_is_kept(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        await engine.submit(engine.request("run_1", WAITS))
        await parked(engine, "run_1")
        other = Command(kind="signal", signal={"id": "x", "name": "other"})
        assert await engine.tell("run_1", other)
        assert not await engine.tell("run_1", other)
        assert await engine.tell("run_1", signal_command(1))
        assert (await engine.end_of("run_1")).type == "run_completed"

    with_engine(tmp_path, work)


def test_one_signal_ends_one_wait(tmp_path: Path) -> None:
    twice = {
        **WAITS,
        "nodes": {**WAITS["nodes"], "more": {"type": "control.signal", "settings": {"name": "go"}}},
        "edges": [
            *WAITS["edges"],
            {"source": "show", "source_port": "text", "target": "more", "target_port": "item"},
        ],
    }

    async def work(engine: Engine) -> None:
        def waited() -> int:
            return engine.types("run_1").count("run_paused")

        await engine.submit(engine.request("run_1", twice))
        await parked(engine, "run_1")
        await engine.tell("run_1", signal_command(1))
        await engine.until(lambda: waited() == 2)
        await parked(engine, "run_1")
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        await engine.until_restarted()
        await parked(engine, "run_1")
        assert not RUN_ENDS & set(engine.types("run_1"))
        await engine.tell("run_1", signal_command(2))
        assert (await engine.end_of("run_1")).type == "run_completed"

    with_engine(tmp_path, work)


def test_a_parked_run_is_cancelled(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        await engine.submit(engine.request("run_1", WAITS))
        await parked(engine, "run_1")
        await engine.cancel("run_1")
        assert (await engine.end_of("run_1")).type == "run_cancelled"
        assert (await engine.ping()).parked == 0

    with_engine(tmp_path, work)


def test_a_paused_run_stays_paused_whoever_dies(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        async with silence() as service:
            hosts = (f"127.0.0.1:{service.port}",)
            await engine.submit(engine.request("run_1", service.flow(), allow_hosts=hosts))
            await service.arrived.acquire()
            await engine.tell("run_1", Command(kind="pause"))
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
            await engine.until(lambda: "run_paused" in engine.types("run_1"))
            assert (await engine.ping()).running == 1
            assert service.arrived.locked(), "nothing is started while it is paused"
            await engine.tell("run_1", Command(kind="resume"))
            await service.arrived.acquire()
            await engine.cancel("run_1")
            assert (await engine.end_of("run_1")).type == "run_cancelled"

    with_engine(tmp_path, work)


def test_runs_that_stand_still_take_nobodys_place(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        async with silence() as service:
            hosts = (f"127.0.0.1:{service.port}",)
            await engine.submit(engine.request("run_1", service.flow(), allow_hosts=hosts))
            await service.arrived.acquire()
            await engine.submit(engine.request("run_2", HELLO))
            await engine.until(lambda: "run_queued" in engine.types("run_2"))
            await engine.tell("run_2", Command(kind="pause"))
            await engine.submit(engine.request("run_3", HELLO))
            await engine.cancel("run_1")
            assert (await engine.end_of("run_3")).type == "run_completed"
            await engine.until(lambda: "run_paused" in engine.types("run_2"))
            await engine.tell("run_2", Command(kind="resume"))
            assert (await engine.end_of("run_2")).type == "run_completed"

    with_engine(tmp_path, work, workers=1)


def test_two_engines_on_one_journal_never_run_one_run(tmp_path: Path) -> None:
    journal = tmp_path / "shared.db"

    async def work(first: Engine) -> None:
        second = Engine(tmp_path / "second", journal=journal)
        await second.start()
        try:
            async with silence() as service:
                hosts = (f"127.0.0.1:{service.port}",)
                await first.submit(first.request("run_1", service.flow(), allow_hosts=hosts))
                await service.arrived.acquire()
                second.resume("run_1", 0)
                async with asyncio.timeout(WAIT_S):
                    while not (await second.ping()).parked:
                        pass
                assert service.arrived.locked(), "only one of them runs it"
                assert second.types("run_1") == []
                await first.cancel("run_1")
                assert (await first.end_of("run_1")).type == "run_cancelled"
        finally:
            await second.stop()

    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    with_engine(tmp_path / "first", work, journal=journal)


def test_the_end_of_a_run_that_nobody_heard_is_told_again(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        await engine.run("run_1", HELLO, inputs={"who": "Kim"})
        heard, engine.heard = engine.heard["run_1"], {}
        engine.resume("run_1", 2)
        end = await engine.end_of("run_1")
        again = engine.heard["run_1"]
        assert (end.type, heard[-1].type) == ("run_completed", "run_completed")
        assert [event.seq for event in again] == list(range(3, len(again) + 3))
        ended = {event.node for event in again if event.type == "node_completed"}
        assert ended == {"who", "hello", "show"}
        hello = next(e for e in again if e.type == "node_output" and e.node == "hello")
        assert OutputStore(tmp_path).read(hello.data["ref"])["value"] == "Hello Kim"

    with_engine(tmp_path, work)


def test_stopping_leaves_what_is_under_way_where_it_is(tmp_path: Path) -> None:
    async def run() -> None:
        engine = Engine(tmp_path)
        await engine.start()
        pid = engine.pid
        assert pid is not None
        async with silence() as service:
            hosts = (f"127.0.0.1:{service.port}",)
            await engine.submit(engine.request("run_1", service.flow(), allow_hosts=hosts))
            await service.arrived.acquire()
            await engine.stop()
        assert not RUN_ENDS & set(engine.types("run_1"))
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        with pytest.raises(WeftError) as caught:
            await engine.submit(engine.request("run_2", HELLO), wait_s=0)
        assert caught.value.code == "run.engine_unavailable"

    asyncio.run(run())


SERVER = """
import asyncio, sys
from pathlib import Path
from weft_engine.runs.client import SupervisorClient
from weft_engine.runs.debug import Command

async def main():
    folder = Path(sys.argv[1])
    client = SupervisorClient(folder / "e.sock", folder, on_events=lambda events: None)
    await client.start()
    print(client.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd")
def test_the_engine_ends_with_its_server(tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    with server, ended(int(server.stdout.readline())) as wait:
        server.kill()
        server.wait()
        assert wait(WAIT_S)
    assert not (tmp_path / "e.sock").exists()


@contextlib.contextmanager
def ended(pid: int) -> Iterator[Callable[[float], bool]]:
    """Waits for the end of a process that is not a child."""
    handle = os.pidfd_open(pid)
    try:
        yield lambda seconds: bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd")
def test_an_engine_that_nobody_calls_ends_with_its_parent(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "weft_engine.runs.supervisor",
        "--socket", str(tmp_path / "e.sock"), "--data", str(tmp_path),
    ]  # fmt: skip
    code = (
        "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE); "
        "p.stdout.readline(); print(p.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent, ended(int(parent.stdout.readline())) as wait:
        parent.kill()
        assert wait(WAIT_S)


def test_only_its_owner_may_call_it(tmp_path: Path) -> None:
    path = tmp_path / "e.sock"
    process = subprocess.Popen(
        [sys.executable, "-m", "weft_engine.runs.supervisor",
         "--socket", str(path), "--data", str(tmp_path)],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        process.kill()


def test_a_frame_that_makes_no_sense_ends_the_connection(tmp_path: Path) -> None:
    async def run() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "weft_engine.runs.supervisor",
            "--socket", str(tmp_path / "e.sock"), "--data", str(tmp_path),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        await process.stdout.readline()
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "e.sock"))
        writer.write(b"\0\0\0\3abc")  # this one has an end: the next is heard
        writer.write(protocol.encode(protocol.Ping(7)))
        head = await asyncio.wait_for(reader.readexactly(protocol.HEADER), WAIT_S)
        said = await reader.readexactly(int.from_bytes(head, "big"))
        assert protocol.decode_push(said) == protocol.Pong(7)
        writer.write(b"\xff\xff\xff\xff")  # nobody knows where that one ends
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
        writer.close()
        await writer.wait_closed()
        assert await asyncio.wait_for(process.wait(), WAIT_S) == 0
        assert b"cannot be read" in await process.stderr.read()

    asyncio.run(run())


def test_a_path_too_long_for_a_socket_is_no_hindrance(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 120)
    long.mkdir()

    async def work(engine: Engine) -> None:
        assert (await engine.run("run_1", HELLO)).type == "run_completed"

    with_engine(tmp_path, work, socket_path=long / "engine.sock")
    assert list(long.iterdir()) == []


def test_a_request_that_is_too_big_is_refused(tmp_path: Path) -> None:
    async def work(engine: Engine) -> None:
        with pytest.raises(WeftError) as caught:
            await engine.submit(engine.request("run_1", HELLO, inputs={"who": "x" * 17_000_000}))
        assert caught.value.code == "run.request_too_big"
        assert (await engine.run("run_2", HELLO)).type == "run_completed"

    with_engine(tmp_path, work)


PROBE = """
import json, sys
from pathlib import Path
import weft_engine.runs.supervisor
from weft_engine.runs.executor import Executor
Executor(Path("."), print).warm_up()
lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
rss = int(lines["VmRSS"].split()[0]) / 1024
print(json.dumps({"modules": sorted(sys.modules), "rss": rss}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_the_engine_is_small() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    loaded = {name.partition(".")[0] for name in found["modules"]}
    heavy = {"litestar", "sqlalchemy", "sqlmodel", "ray", "openai", "instructor", "httpx2",
             "pycrdt", "numpy", "uvicorn", "weft_server", "weft_ai"}  # fmt: skip
    assert loaded & heavy == set()
    assert found["rss"] < 75


def test_a_socket_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    async def run() -> None:
        blocked = tmp_path / "file"
        blocked.write_text("")
        engine = Engine(tmp_path, socket_path=blocked / "engine.sock")
        with pytest.raises(WeftError) as caught:
            await engine.start()
        assert caught.value.code == "run.engine_unavailable"
        await engine.stop()

    asyncio.run(run())
