"""What every store of checkpoints must do, whatever happens to it."""

import errno
import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import KernelError, ResourceError
from weft_engine.kernel.checkpoint import files, savepoint
from weft_engine.kernel.checkpoint.api import Checkpoint, OperatorState, Part
from weft_engine.kernel.checkpoint.files import Files
from weft_engine.kernel.checkpoint.manifest import Manifest, is_plain
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.checkpoint.storage import Storage, segment


@pytest.fixture(params=["files", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return Files(tmp_path, "a job") if request.param == "files" else Memory()


class Opaque:
    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"Opaque({self.value!r})"


def checkpoint(id_: int, *chains: tuple[Part, ...], piece: object = 7) -> Checkpoint:
    operators = {
        "source": OperatorState(2, ((piece,), (3, 4)), (), (), (True, False), "source"),
        "sum": OperatorState(len(chains), (), chains, (), (), "reduce_running"),
        "out": OperatorState(1, (), (), ({"file": "a"},), (), "sink"),
    }
    return Checkpoint(id_, "checkpoint", "job", "hash", 128, operators, 1234)


def break_part(storage: Storage, name: str, data: bytes | None) -> None:
    if isinstance(storage, Memory):
        if data is None:
            del storage.data[name]
        else:
            storage.data[name] = data
    else:
        assert isinstance(storage, Files)
        path = storage.root / name
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)


def test_what_was_committed_is_what_is_loaded(storage: Storage) -> None:
    part = storage.write("chk-1/sum/0", b"state")
    for piece in (7, (1, 2), Opaque("x"), float("nan"), {1: 2}, "\ud800"):
        made = checkpoint(len(storage.checkpoints()) + 1, (part,), (), piece=piece)
        storage.commit(made)
        assert repr(storage.load(made.id)) == repr(made)
    assert storage.read(part) == b"state"
    assert list(storage.checkpoints()) == [6, 5, 4, 3, 2, 1]


def test_opaque_pieces_come_back_equal(storage: Storage) -> None:
    storage.commit(checkpoint(1, piece=Opaque((1, "x"))))
    assert storage.load(1).operators["source"].pieces == ((Opaque((1, "x")),), (3, 4))


@pytest.mark.parametrize("piece", [7, Opaque("x" * 100)], ids=["plain", "pickled"])
@pytest.mark.parametrize("keyed", [False, True], ids=["stateless", "keyed"])
def test_it_has_as_many_bytes_as_are_stored(storage: Storage, piece: object, keyed: bool) -> None:
    chain = (storage.write("chk-1/sum/0", b"state"),) if keyed else ()
    size = storage.commit(checkpoint(1, chain, chain, piece=piece))
    names = [*storage.names("manifest-"), *storage.names("parts/")]
    assert size == sum(storage.measure(name)[0] for name in names) > 0


def test_nothing_exists_before_it_is_committed(storage: Storage) -> None:
    storage.write("chk-1/sum/0", b"state")
    assert list(storage.checkpoints()) == []
    with pytest.raises(ResourceError) as caught:
        storage.load(1)
    assert caught.value.code == "checkpoint.corrupt"


def test_an_id_is_used_once(storage: Storage) -> None:
    storage.commit(checkpoint(1))
    with pytest.raises(KernelError):
        storage.commit(checkpoint(1))


@pytest.mark.parametrize("damage", [None, b"", b"stat", b"STATE", b"state and more"])
def test_a_damaged_part_is_noticed(storage: Storage, damage: bytes | None) -> None:
    part = storage.write("chk-1/sum/0", b"state")
    storage.commit(checkpoint(1, (part,)))
    break_part(storage, part.name, damage)
    for attempt in (lambda: storage.load(1), lambda: storage.read(part)):
        with pytest.raises(ResourceError) as caught:
            attempt()
        assert caught.value.code == "checkpoint.corrupt"
        assert part.name in caught.value.message


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7), cut=st.booleans())
def test_a_manifest_with_any_bit_changed_or_cut_off_is_refused(
    at: int, bit: int, cut: bool
) -> None:
    storage = Memory()
    storage.commit(checkpoint(1, piece=Opaque(1)))
    data = storage.data["manifest-1.json"]
    at %= len(data)
    changed = data[:at] if cut else data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
    storage.data["manifest-1.json"] = changed
    with pytest.raises(ResourceError) as caught:
        storage.load(1)
    assert caught.value.code in {"checkpoint.corrupt", "checkpoint.format"}


def test_a_manifest_under_another_number_is_refused(storage: Storage) -> None:
    storage.commit(checkpoint(1))
    storage.put("manifest-2.json", storage.get("manifest-1.json"))
    with pytest.raises(ResourceError, match="another checkpoint"):
        storage.load(2)


def test_a_newer_format_is_named(storage: Storage) -> None:
    storage.commit(checkpoint(1))
    newer = storage.get("manifest-1.json").replace(b'"format":1', b'"format":2')
    break_part(storage, "manifest-1.json", newer)
    with pytest.raises(ResourceError) as caught:
        storage.load(1)
    assert caught.value.code == "checkpoint.format"
    assert caught.value.params["format"] == 2


def test_retain_keeps_shared_parts_and_those_not_named_yet(storage: Storage) -> None:
    parts = [storage.write(f"chk-{i}/sum/0", b"%d" % i) for i in range(1, 5)]
    storage.commit(checkpoint(1, (parts[0],)))
    storage.commit(checkpoint(2, (parts[0], parts[1])))
    storage.commit(checkpoint(3, (parts[1], parts[2])))
    storage.retain(2)
    assert list(storage.checkpoints()) == [3, 2]
    storage.load(3)
    storage.load(2)
    storage.retain(1)
    assert storage.read(parts[3]) == b"4"
    assert storage.read(parts[1]) == b"2"
    with pytest.raises(ResourceError):
        storage.read(parts[0])
    storage.retain(0)
    assert list(storage.checkpoints()) == [3]


def test_retain_leaves_damaged_checkpoints_and_does_not_count_them(storage: Storage) -> None:
    for id_ in (1, 2, 3):
        storage.commit(checkpoint(id_))
    break_part(storage, "manifest-3.json", b"rubbish")
    storage.retain(1)
    assert list(storage.checkpoints()) == [3, 2]


def test_sweep_removes_what_nobody_names(storage: Storage) -> None:
    kept, lost = storage.write("chk-1/a", b"a"), storage.write("chk-1/b", b"b")
    storage.commit(checkpoint(1, (kept,)))
    assert storage.sweep() == 1
    storage.load(1)
    with pytest.raises(ResourceError):
        storage.read(lost)
    extra = storage.write("chk-2/c", b"c")
    break_part(storage, "manifest-1.json", b"rubbish")
    assert storage.sweep() == 0
    assert storage.read(extra) == b"c"


def test_a_late_writer_changes_no_part(storage: Storage) -> None:
    first = storage.write("chk-1/sum/0", b"one")
    again = storage.write("chk-1/sum/0", b"one")
    late = storage.write("chk-1/sum/0", b"two")
    assert first == again
    assert late.name != first.name
    assert storage.read(first) == b"one"


def test_only_one_job_holds_it(storage: Storage, tmp_path: Path) -> None:
    other = Files(tmp_path, "a job") if isinstance(storage, Files) else storage
    storage.acquire("the first")
    with pytest.raises(ResourceError) as caught:
        other.acquire("the second")
    assert caught.value.code == "checkpoint.in_use"
    assert "the first" in caught.value.message or "another job" in caught.value.message
    storage.release()
    storage.release()
    other.acquire("the second")
    other.release()


def test_a_killed_owner_lets_go(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from weft_engine.kernel.checkpoint.files import Files\n"
        "Files(sys.argv[1], 'j').acquire('child')\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        mine = Files(tmp_path, "j")
        with pytest.raises(ResourceError, match=f"child, process {child.pid}"):
            mine.acquire("me")
        child.kill()
        child.wait(30)
        mine.acquire("me")
        mine.release()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("step", ["write", "fsync", "mkstemp"])
def test_a_full_disk_leaves_nothing_half_done(
    number: int, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Files(tmp_path, "j")
    storage.commit(checkpoint(1, (storage.write("chk-1/a", b"a"),)))
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(files.tempfile if step == "mkstemp" else files.os, step, fail)
        for attempt in (
            lambda: storage.write("chk-2/b", b"b" * 100),
            lambda: storage.commit(checkpoint(2)),
        ):
            with pytest.raises(ResourceError) as caught:
                attempt()
            assert caught.value.code == "checkpoint.storage_full"
            assert not caught.value.retryable
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before
    assert list(storage.checkpoints()) == [1]
    storage.load(1)


def test_a_real_write_beyond_the_limit_is_an_error_of_the_store(tmp_path: Path) -> None:
    """A directory that cannot be written to is told from one that is full."""
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    with pytest.raises(ResourceError) as caught:
        Files(blocked, "j").write("a", b"x")
    assert caught.value.code == "checkpoint.storage_failed"
    assert caught.value.retryable


def test_sweep_removes_temporary_files(tmp_path: Path) -> None:
    storage = Files(tmp_path, "j")
    part = storage.write("chk-1/a", b"a")
    storage.commit(checkpoint(1, (part,)))
    for folder in (storage.root, (storage.root / part.name).parent):
        (folder / "left.tmp").write_bytes(b"half")
    assert storage.sweep() == 0
    assert not list(storage.root.rglob("*.tmp"))


def test_a_store_of_files_travels(tmp_path: Path) -> None:
    storage = Files(tmp_path, "j")
    part = storage.write("x", b"y")
    assert pickle.loads(pickle.dumps(storage)).read(part) == b"y"
    with pytest.raises(TypeError, match="stays in its process"):
        pickle.dumps(Memory())


def test_a_part_cannot_lead_out_of_the_store(storage: Storage) -> None:
    with pytest.raises(ResourceError, match="no part has such a name"):
        storage.read(Part("parts/../../secret", 1, "0"))
    assert ".." not in storage.write("../../x/..", b"1").name.split("/")


@given(st.text(), st.text())
def test_names_of_files_are_safe_and_different(one: str, other: str) -> None:
    name = segment(one)
    assert name not in {"", ".", ".."}
    assert "/" not in name
    assert len(name) <= 120
    assert not name.startswith(".")
    assert (segment(other) == name) == (one == other)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


@given(plain)
def test_pieces_come_back_exactly(piece: object) -> None:
    storage = Memory()
    storage.commit(checkpoint(1, piece=piece))
    back = storage.load(1).operators["source"].pieces[0][0]
    assert repr(back) == repr(piece)
    assert type(back) is type(piece)


def test_plain_pieces_are_readable_in_the_manifest() -> None:
    made = Manifest.of(checkpoint(1, piece={"offset": 12}), Memory().write)
    assert b'"offset":12' in made.encode()
    assert made.body["pickled"] is None
    assert not is_plain((1, 2))
    assert not is_plain(Opaque(1))


def test_nobody_else_may_look_at_checkpoints(tmp_path: Path) -> None:
    store = Files(tmp_path / "new", "a job")
    store.acquire("me")
    part = store.write("chk-1/sum/0", b"state")
    store.commit(checkpoint(1, (part,)))
    store.release()
    place = savepoint.write(store.load(1), store, tmp_path / "saved")
    made = [path for top in (tmp_path / "new", place) for path in [*top.rglob("*"), top]]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in made if path != tmp_path / "new"}
    assert {path.is_dir() for path in modes} == {True, False}
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in modes}
