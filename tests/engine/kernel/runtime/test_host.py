"""What the subtasks of one process share."""

from pathlib import Path

import pytest

from weft_engine.errors import WeftError
from weft_engine.kernel.environment import LocalEnvironment


def counted(where: Path) -> list[tuple[str, int]]:
    """Run a job with state in that folder."""
    env = LocalEnvironment("counting", {"state.backend": "disk", "state.dir": str(where)})
    return env.from_collection(["a", "b", "a"]).key_by(str).count().execute_and_collect()


def test_state_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    where = tmp_path / "not" / "there"
    assert counted(where) == [("a", 1), ("b", 1), ("a", 2)]
    assert list(where.iterdir()) == []


def test_state_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WeftError, match="no place for the state") as caught:
        counted(tmp_path / "file" / "state")
    assert caught.value.hint is not None
    assert "state.dir" in caught.value.hint
