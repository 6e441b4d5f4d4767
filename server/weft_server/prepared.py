"""Statements that are compiled once, for the few that every run carries out.

SQLAlchemy takes three times as long to find the compiled form of a statement and to bind its
values as SQLite takes to carry it out.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import CursorResult, Dialect
from sqlalchemy.sql.expression import ClauseElement
from sqlmodel import Session

Row = Mapping[str, Any]
_Process = Callable[[Any], Any]


class Prepared:
    """A statement whose values are all given by name."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        """Take a statement; `columns` names those of an insert that lists none."""
        self._statement = statement
        self._columns = columns
        self._compiled: tuple[Dialect, _Compiled] | None = None

    def one(self, session: Session, row: Row) -> CursorResult[Any]:
        """Execute it once."""
        connection = session.connection()
        compiled = self._for(connection.dialect)
        return connection.exec_driver_sql(compiled.text, compiled.values(row))

    def many(self, session: Session, rows: Sequence[Row]) -> None:
        """Execute it for each of the rows."""
        connection = session.connection()
        compiled = self._for(connection.dialect)
        connection.exec_driver_sql(compiled.text, [compiled.values(row) for row in rows])

    def _for(self, dialect: Dialect) -> "_Compiled":
        if self._compiled is None or self._compiled[0] is not dialect:
            self._compiled = (dialect, _Compiled(self._statement, dialect, self._columns))
        return self._compiled[1]


class _Compiled:
    """A statement as one driver takes it."""

    def __init__(
        self, statement: ClauseElement, dialect: Dialect, columns: Sequence[str] | None
    ) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=columns)
        self.text: str = compiled.string
        names = compiled.positiontup if compiled.positional else list(compiled.binds)
        self._positional: bool = compiled.positional
        self._names: list[str] = list(names)
        self._constants: dict[str, Any] = {
            name: bind.value for name, bind in compiled.binds.items() if not bind.required
        }
        self._processes: list[tuple[str, _Process | None]] = [
            (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in names
        ]

    def values(self, row: Row) -> Any:
        """The values of a row in the driver's form and order."""
        given = {**self._constants, **row} if self._constants else row
        values = (
            given[name] if process is None else process(given[name])
            for name, process in self._processes
        )
        return tuple(values) if self._positional else dict(zip(self._names, values, strict=True))
