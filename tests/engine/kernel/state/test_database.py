"""The file behind state on the disk."""

import threading
from pathlib import Path

import pytest

from weft_engine.errors import ResourceError
from weft_engine.kernel.state.database import Database

ROWS = 20_000


def test_a_view_may_be_closed_while_another_thread_reads(tmp_path: Path) -> None:
    """A job that fails does not wait for its snapshots; SQLite would take the process along."""
    for _ in range(20):
        database = Database(tmp_path, "numbers")
        with database.transaction() as connection:
            connection.execute("CREATE TABLE numbers (n INTEGER, text TEXT)")
            rows = ((n, "x" * 100) for n in range(ROWS))
            connection.executemany("INSERT INTO numbers VALUES (?, ?)", rows)
        view, begun, ended = database.view(), threading.Event(), []

        def read(view=view, begun=begun, ended=ended) -> None:
            try:
                for count, _ in enumerate(view.rows("SELECT * FROM numbers ORDER BY text, n")):
                    if count == 10:
                        begun.set()
            except ResourceError as error:
                ended.append(error.code)
            else:
                ended.append("all")

        reader = threading.Thread(target=read)
        reader.start()
        begun.wait(30)
        database.close()
        reader.join(30)
        assert ended in (["all"], ["state.disk_failed"])


def test_a_closed_view_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path, "numbers")
    view = database.view()
    database.close()
    with pytest.raises(ResourceError) as failed:
        list(view.rows("SELECT 1"))
    assert failed.value.code == "state.disk_failed"
