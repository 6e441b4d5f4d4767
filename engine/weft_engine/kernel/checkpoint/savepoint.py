"""Savepoints: checkpoints in a directory of their own, whole and movable."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from weft_engine.errors import ResourceError
from weft_engine.kernel.checkpoint.api import Checkpoint, CheckpointStorage, OperatorState, Part
from weft_engine.kernel.checkpoint.files import Files, sync_directory


def copy(
    checkpoint: Checkpoint, source: CheckpointStorage, target: CheckpointStorage, id_: int
) -> Checkpoint:
    """Copy the parts of a checkpoint to another store.

    Returns:
        The checkpoint with the given id as it is to be committed there.
    """
    copied: dict[str, Part] = {}

    def part(each: Part) -> Part:
        if each.name not in copied:
            name = f"chk-{id_}/copied/{len(copied)}"
            copied[each.name] = target.write(name, source.read(each))
        return copied[each.name]

    def operator(state: OperatorState) -> OperatorState:
        keyed = tuple(tuple(part(each) for each in chain) for chain in state.keyed)
        return replace(state, keyed=keyed)

    operators = {uid: operator(state) for uid, state in checkpoint.operators.items()}
    return replace(checkpoint, id=id_, operators=operators)


def check_path(path: str | Path) -> Path:
    """Where a savepoint may be written.

    Raises:
        ResourceError: `savepoint.exists` when there is something already.
    """
    place = Path(path).absolute()
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise ResourceError(
            f"{place} is there already",
            code="savepoint.exists",
            hint="Name a directory that does not exist yet.",
            params={"path": str(place)},
        )
    return place


def write(checkpoint: Checkpoint, source: CheckpointStorage, path: str | Path) -> Path:
    """Write a savepoint; it appears at its path when it is complete.

    Raises:
        ResourceError: `savepoint.exists`, or an error of either store.
    """
    place = check_path(path)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(".tmp", f".{place.name}.", place.parent))
    except OSError as error:
        raise _failed(place, error) from error
    try:
        target = Files(folder, None)
        target.commit(copy(replace(checkpoint, kind="savepoint"), source, target, checkpoint.id))
        folder.rename(place)
        sync_directory(place.parent)
    except OSError as error:
        raise _failed(place, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return place


def _failed(place: Path, error: OSError) -> ResourceError:
    return ResourceError(
        f"the savepoint {place} cannot be written: {error.strerror or error}",
        code="savepoint.failed",
        hint="Check that the directory may be written to and has space.",
        params={"path": str(place)},
        retryable=True,
    )


def read(path: str | Path) -> tuple[Files, Checkpoint]:
    """Open a savepoint, or the newest checkpoint in the directory of a job.

    Raises:
        ResourceError: `checkpoint.missing`, `checkpoint.corrupt` or `checkpoint.format`.
    """
    place = Path(path).absolute()
    files = Files(place, None)
    ids = files.checkpoints()
    if not ids:
        raise ResourceError(
            f"there is no savepoint at {place}",
            code="checkpoint.missing",
            hint="Name the directory that a savepoint was written to.",
            params={"path": str(place)},
        )
    return files, files.load(ids[0])
