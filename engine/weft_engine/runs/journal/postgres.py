"""The journal in PostgreSQL, for servers and engines on several machines.

The database's clock says when a lease has run out. A write locks the rows of its runs, so that
nobody takes a run between the look at its lease and the commit.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from weft_engine.runs.journal.base import ENDED, Lease, Row, RunEntry, SignalRow, StepRow, WakeRow
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import fenced, run_exists, unknown_run
from weft_engine.runs.journal.postgres_link import Connection, Link, migrate, run
from weft_engine.runs.journal.rows import (
    ENTRY,
    Group,
    columns_of,
    digests_in,
    entry_of,
    kept_steps,
    newest,
    pack_signal,
    unpack_signal,
    unpack_steps,
    unpack_wake,
)

_NOW: Final = "extract(epoch FROM clock_timestamp())::float8"
_ENTRY: Final = f"SELECT {ENTRY} FROM journal_runs"  # noqa: S608 - constants
_HELD: Final = f"""
    SELECT no, id, journal_runs.token
    FROM journal_runs JOIN unnest(%s::text[], %s::bigint[]) AS lease (id, token) USING (id)
    WHERE journal_runs.token = lease.token AND until > {_NOW}
    ORDER BY no FOR NO KEY UPDATE OF journal_runs
"""  # noqa: S608 - a constant; in the order of their numbers, so that two writers cannot deadlock
_STEPS: Final = f"""
    WITH held AS ({_HELD}), written AS (
        INSERT INTO journal_steps (run, row)
        SELECT held.no, step.row
        FROM unnest(%s::text[], %s::bigint[], %s::bytea[])
            WITH ORDINALITY AS step (id, token, row, place)
        JOIN held ON held.id = step.id AND held.token = step.token
        ORDER BY step.place
    )
    SELECT no, id, token FROM held
"""  # noqa: S608 - a constant
_RUN: Final = "(SELECT no FROM journal_runs WHERE id = %s)"


class PostgresJournal:
    """Rows of runs in a database.

    Args:
        address: `postgresql://user:password@host:port/database`, or what libpq takes else.

    Raises:
        JournalError: `journal.unavailable`, `journal.format`.
    """

    near = False

    def __init__(self, address: str, codec: Codec | None = None) -> None:
        self.codec = codec or Codec()
        self._rows = Link(address)
        """For the writer of groups, so that nobody else holds it up."""
        self._other = Link(address)
        self._other.call(lambda db: migrate(db, self._other.name))

    def acquire(
        self, run_id: str, owner: str, ttl_s: float, entry: RunEntry | None = None
    ) -> Lease | None:
        def work(db: Connection) -> Lease | None:
            status = "running"
            if entry is not None and _insert(db, entry, self.codec):
                status = entry.status
            found = run(
                db,
                f"SELECT no, status, owner, until > {_NOW} FROM journal_runs"  # noqa: S608
                " WHERE id = %s FOR NO KEY UPDATE",
                run_id,
            ).fetchone()
            if found is None:
                raise unknown_run(run_id)
            number, was, holder, held = found
            if was in ENDED or (held and holder != owner):
                return None
            token, until = run(
                db,
                f"UPDATE journal_runs SET owner = %s, token = nextval('journal_tokens'),"  # noqa: S608
                f" until = {_NOW} + %s::float8, status = %s, updated = {_NOW}"
                " WHERE no = %s RETURNING token, until",
                owner,
                ttl_s,
                status,
                number,
            ).fetchone() or (0, 0.0)
            return Lease(run_id=run_id, owner=owner, token=token, until=until)

        return self._other.call(work)

    def renew(self, leases: Sequence[Lease], ttl_s: float) -> list[Lease]:
        def work(db: Connection) -> list[tuple[Any, ...]]:
            return run(
                db,
                f"WITH held AS ({_HELD}) UPDATE journal_runs"  # noqa: S608 - constants
                f" SET until = {_NOW} + %s::float8 FROM held WHERE journal_runs.no = held.no"
                " RETURNING held.id, held.token, until",
                *_columns([(lease.run_id, lease.token) for lease in leases], 2),
                ttl_s,
            ).fetchall()

        kept = {
            (run_id, token): until for run_id, token, until in self._other.call(work, atomic=False)
        }
        return [
            msgspec.structs.replace(lease, until=kept[lease.run_id, lease.token])
            for lease in leases
            if (lease.run_id, lease.token) in kept
        ]

    def release(self, lease: Lease, status: str) -> None:
        def work(db: Connection) -> None:
            number = _held(db, lease)
            _release(db, [(number, status)])

        self._other.call(work)

    def end_below(self, run_id: str, status: str) -> None:
        def work(db: Connection) -> None:
            run(
                db,
                "UPDATE journal_runs SET owner = '', until = 0, status = %s,"  # noqa: S608
                f" updated = {_NOW} WHERE starts_with(id, %s) AND until <= {_NOW}"
                " AND status NOT IN ('completed', 'failed', 'cancelled')",
                status,
                f"{run_id}.",
            )

        self._other.call(work)

    def write(self, batch: Sequence[tuple[Lease, Row | None, tuple[str, str] | None]]) -> list[str]:
        group = Group(batch, self.codec)
        leases = _columns(group.leases, 2)
        steps = _columns([(*who, data) for who, data in group.steps], 3)

        def work(db: Connection) -> dict[tuple[str, int], int]:
            rows = run(db, _STEPS, *leases, *steps) if group.steps else run(db, _HELD, *leases)
            held = {(run_id, token): number for number, run_id, token in rows}
            _write_wakes(db, group, held)
            ends = [(held[who], status) for who, status in group.releases.items() if who in held]
            if ends:
                _release(db, ends)
            return held

        return group.lost(self._rows.call(work, atomic=bool(group.wakes or group.releases)))

    def entry(self, run_id: str) -> RunEntry | None:
        rows = self._read(f"{_ENTRY} WHERE id = %s", run_id)
        return entry_of(rows[0], self.codec) if rows else None

    def steps(self, run_id: str) -> list[StepRow]:
        rows = self._read(f"SELECT row FROM journal_steps WHERE run = {_RUN} ORDER BY no", run_id)  # noqa: S608
        return newest(row for (data,) in rows for row in unpack_steps(data, self.codec))

    def wakes(self, run_id: str) -> list[WakeRow]:
        rows = self._read(
            f'SELECT row FROM journal_wakes WHERE run = {_RUN} ORDER BY node COLLATE "C",'  # noqa: S608
            ' scope COLLATE "C"',
            run_id,
        )
        return [unpack_wake(data, self.codec) for (data,) in rows]

    def due(self, before: float, limit: int = 1000) -> list[tuple[str, float]]:
        rows = self._read(
            "SELECT id, min(due) AS moment FROM journal_wakes"  # noqa: S608 - a constant
            " JOIN journal_runs ON journal_runs.no = run"
            f" WHERE due <= %s::float8 AND status = 'parked' AND until <= {_NOW}"
            ' GROUP BY id ORDER BY moment, id COLLATE "C" LIMIT %s',
            before,
            limit,
        )
        return [(run_id, moment) for run_id, moment in rows]

    def signal(self, run_id: str, signal: SignalRow) -> bool:
        data = pack_signal(signal, self.codec)

        def work(db: Connection) -> bool:
            found = run(db, f"{_RUN[1:-1]} FOR KEY SHARE", run_id).fetchone()
            if found is None:
                raise unknown_run(run_id)
            done = run(
                db,
                "INSERT INTO journal_signals (run, id, name, row) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                found[0],
                signal.id,
                signal.name,
                data,
            )
            return done.rowcount == 1

        return self._other.call(work)

    def signalled(self) -> list[str]:
        rows = self._read(
            f"SELECT id FROM journal_runs WHERE status = 'parked' AND until <= {_NOW}"  # noqa: S608
            " AND EXISTS (SELECT 1 FROM journal_signals s JOIN journal_wakes w"
            " ON w.run = s.run AND w.signal = s.name"
            ' WHERE s.run = journal_runs.no AND NOT taken) ORDER BY id COLLATE "C"'
        )
        return [run_id for (run_id,) in rows]

    def signals(self, run_id: str) -> list[SignalRow]:
        rows = self._read(
            f"SELECT row, taken FROM journal_signals WHERE run = {_RUN} ORDER BY no",  # noqa: S608
            run_id,
        )
        return [unpack_signal(data, taken, self.codec) for data, taken in rows]

    def take(self, lease: Lease, signal_id: str) -> None:
        def work(db: Connection) -> None:
            run(
                db,
                "UPDATE journal_signals SET taken = true WHERE run = %s AND id = %s",
                _held(db, lease),
                signal_id,
            )

        self._other.call(work)

    def unfinished(self) -> list[RunEntry]:
        rows = self._read(
            f"{_ENTRY} WHERE until <= {_NOW}"
            " AND status NOT IN ('completed', 'failed', 'cancelled') ORDER BY no"
        )
        return [entry_of(row, self.codec) for row in rows]

    def fork(self, run_id: str, new: RunEntry, keep: Callable[[StepRow], bool]) -> None:
        if self.entry(run_id) is None:
            raise unknown_run(run_id)
        rows = self._read(f"SELECT row FROM journal_steps WHERE run = {_RUN} ORDER BY no", run_id)  # noqa: S608
        kept = kept_steps((data for (data,) in rows), keep, self.codec)

        def work(db: Connection) -> None:
            number = _insert(db, new, self.codec)
            if number is None:
                raise run_exists(new.id)
            run(
                db,
                "INSERT INTO journal_steps (run, row) SELECT %s, row"
                " FROM unnest(%s::bytea[]) WITH ORDINALITY AS step (row, place) ORDER BY place",
                number,
                kept,
            )

        self._other.call(work, again=False)

    def forget(self, run_ids: Sequence[str]) -> None:
        def work(db: Connection) -> None:
            gone = run(
                db,
                "WITH gone AS (SELECT no FROM journal_runs WHERE id = ANY(%s::text[])"
                " ORDER BY no FOR UPDATE)"
                " DELETE FROM journal_runs USING gone WHERE journal_runs.no = gone.no"
                " RETURNING journal_runs.no",
                list(run_ids),
            ).fetchall()
            numbers = [number for (number,) in gone]
            for table in ("steps", "wakes", "signals"):
                run(db, f"DELETE FROM journal_{table} WHERE run = ANY(%s::bigint[])", numbers)  # noqa: S608

        self._other.call(work)

    def ended(self) -> list[tuple[str, float]]:
        rows = self._read(
            "SELECT id, updated FROM journal_runs WHERE status IN"
            " ('completed', 'failed', 'cancelled') ORDER BY updated DESC, id"
        )
        return [(run_id, updated) for run_id, updated in rows]

    def references(self) -> set[str]:
        def work(db: Connection) -> set[str]:
            found: set[str] = set()
            with db.cursor("journal_references", binary=True) as rows:
                rows.itersize = 1000
                rows.execute(
                    b"SELECT request FROM journal_runs UNION ALL SELECT row FROM journal_steps"
                    b" UNION ALL SELECT row FROM journal_wakes"
                    b" UNION ALL SELECT row FROM journal_signals"
                )
                for (data,) in rows:
                    found |= digests_in(data)
            return found

        return self._other.call(work)

    def close(self) -> None:
        self._rows.close()
        self._other.close()

    def _read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._other.call(lambda db: run(db, query, *values).fetchall(), atomic=False)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as one array for each column."""
    return [[row[place] for row in rows] for place in range(width)]


def _held(db: Connection, lease: Lease) -> int:
    """The run's number, locked, where the lease still holds."""
    found = run(db, _HELD, [lease.run_id], [lease.token]).fetchone()
    if found is None:
        raise fenced(lease.run_id)
    return int(found[0])


def _insert(db: Connection, entry: RunEntry, codec: Codec) -> int | None:
    """Begin a run; None when there is one of that id."""
    columns = columns_of(entry, codec)
    found = run(
        db,
        f"INSERT INTO journal_runs ({ENTRY}) VALUES (%s, %s, %s, %s, %s, %s, %s,"  # noqa: S608
        f" coalesce(nullif(%s::float8, 0), {_NOW}), %s)"
        " ON CONFLICT DO NOTHING RETURNING no",
        *columns,
    ).fetchone()
    return int(found[0]) if found else None


def _release(db: Connection, ends: list[tuple[int, str]]) -> None:
    run(
        db,
        "UPDATE journal_runs SET owner = '', until = 0, status = released.status,"  # noqa: S608
        f" updated = {_NOW} FROM unnest(%s::bigint[], %s::text[]) AS released (no, status)"
        " WHERE journal_runs.no = released.no",
        *_columns(ends, 2),
    )


def _write_wakes(db: Connection, group: Group, held: dict[tuple[str, int], int]) -> None:
    for (who, node, scope), wake in group.wakes.items():
        if who not in held:
            continue
        if wake is None:
            run(
                db,
                "DELETE FROM journal_wakes WHERE run = %s AND node = %s AND scope = %s",
                held[who],
                node,
                scope,
            )
        else:
            row, data = wake
            run(
                db,
                "INSERT INTO journal_wakes VALUES (%s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (run, node, scope) DO UPDATE SET"
                " due = excluded.due, signal = excluded.signal, row = excluded.row",
                held[who],
                node,
                scope,
                row.due,
                row.signal,
                data,
            )
