"""A process that writes into a journal and says on its stdout what was acknowledged.

`python -m tests.engine.runs.journal.writing_child MODE KIND ADDRESS …`, see the functions.
"""

import os
import resource
import sys
import threading
from pathlib import Path

from weft_engine.runs.journal.base import JournalStore, StepRow
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.group import open_run
from weft_engine.runs.journal.postgres import PostgresJournal
from weft_engine.runs.journal.sqlite import SqliteJournal
from weft_engine.runs.journal.values import ValueStore
from weft_engine.runs.journal.writer import writer_of
from weft_engine.runs.run import RunRequest


def store_at(kind: str, address: str) -> JournalStore:
    return SqliteJournal(Path(address)) if kind == "sqlite" else PostgresJournal(address)


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())  # one write: lines are whole


def request(run_id: str) -> RunRequest:
    return RunRequest(run_id=run_id, flow={})


def write(store: JournalStore, blobs: str, prefix: str) -> None:
    """Several runs write on and on, until killed; now and then a large value."""
    values = ValueStore(Path(blobs))

    def one(run_id: str) -> None:
        journal = open_run(store, request(run_id), "p", "sync", "child")
        number = 0
        while not journal.lost():
            waits = threading.Semaphore(0)
            for _ in range(5):
                outputs = {}
                if number % 20 == 19:
                    outputs = {"out": values.put(f"{run_id} {number} " * 10_000).as_dict()}
                row = StepRow(node=str(number), outputs=outputs)

                def done(number: int = number, waits: threading.Semaphore = waits) -> None:
                    say(run_id, number)
                    waits.release()

                journal.record(row, done)
                number += 1
            for _ in range(5):
                waits.acquire()

    for number in range(3):
        threading.Thread(target=one, args=(f"{prefix}.{number}",)).start()


def hold(store: JournalStore, ttl_s: str) -> None:
    """Hold a run; when told to, write one row more and say what came of it."""
    while True:
        journal = open_run(store, request("held"), "p", "sync", "child", ttl_s=float(ttl_s))
        try:
            journal.record(StepRow(node="before"))
            journal.flush()
            break
        except JournalError:  # the machine was too busy to keep it even for so long
            continue
    say("ready")
    sys.stdin.readline()
    journal.record(StepRow(node="after"), lambda: say("acknowledged"))
    try:
        journal.flush()
        say("written")
    except JournalError as error:
        say(error.code, journal.lost())
    os._exit(0)


def fill(store: JournalStore, limit: str, patience_s: str = "10") -> None:
    """Write until that is not possible any more, and say why."""
    writer = writer_of(store)
    writer.patience_s = float(patience_s)
    if int(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    stopped = threading.Event()
    journal = open_run(store, request("fill"), "p", "sync", "child", on_lost=stopped.set)
    number = 0
    room = threading.Semaphore(8)
    while not stopped.is_set():
        if not room.acquire(timeout=0.1):
            continue

        def done(number: int = number) -> None:
            say("fill", number)
            room.release()

        journal.record(StepRow(node=str(number), worker="x" * 2000), done)
        number += 1
    failure = journal.failure
    say("stopped", failure and failure.code)
    try:
        journal.end("completed")
    except JournalError as error:
        say("ended", error.code)
    os._exit(0)


if __name__ == "__main__":
    mode, kind, address, *rest = sys.argv[1:]
    {"write": write, "hold": hold, "fill": fill}[mode](store_at(kind, address), *rest)
