"""What all stores of checkpoints have in common; where the bytes go is left open."""

import logging
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

from weft_engine.errors import KernelError, ResourceError
from weft_engine.kernel.checkpoint import crash_points
from weft_engine.kernel.checkpoint.api import Checkpoint, Part
from weft_engine.kernel.checkpoint.manifest import Manifest, corrupt, digest_of

log = logging.getLogger(__name__)

_PARTS: Final = "parts/"
_LONGEST: Final = 120


def segment(text: str) -> str:
    """A text as the name of a file: reversible for short ones, never empty, never a path."""
    name = quote(text, safe="+=@,", errors="surrogatepass").replace("~", "%7E")
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    if len(name) > _LONGEST:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        name = f"{name[:80]}~{digest}"
    return name or "~"


class Storage:
    """Checkpoints in a place that keeps bytes by name.

    A part's name ends with its digest, so that whoever writes late, with the number of a
    checkpoint that was given up, can never change a part that another checkpoint names.
    """

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Keep bytes durably, all of them or none."""
        raise NotImplementedError

    def get(self, name: str) -> bytes:
        """Bytes by name; `FileNotFoundError` when there are none."""
        raise NotImplementedError

    def remove(self, names: Iterable[str]) -> None:
        """Remove what is there of these."""
        raise NotImplementedError

    def names(self, prefix: str) -> list[str]:
        """What is there, by the beginning of its name."""
        raise NotImplementedError

    def measure(self, name: str) -> tuple[int, str]:
        """Size and digest of what is kept by a name."""
        data = self.get(name)
        return len(data), digest_of(data)

    def acquire(self, owner: str) -> None:
        """Be the only job that uses it."""

    def release(self) -> None:
        """Let others use it."""

    def write(self, name: str, data: bytes | memoryview) -> Part:
        """Write a part durably; its name is made of the one given.

        Raises:
            ResourceError: `checkpoint.storage_full` or `checkpoint.storage_failed`.
        """
        crash_points.reach(crash_points.BEFORE_PART)
        data = memoryview(data).cast("B")
        digest = digest_of(data)
        path = "/".join(segment(each) for each in name.split("/"))
        part = Part(f"{_PARTS}{path}-{digest[:12]}", len(data), digest)
        self.put(part.name, data)
        return part

    def read(self, part: Part) -> bytes:
        """Read a part.

        Raises:
            ResourceError: `checkpoint.corrupt`.
        """
        _check_name(part)
        try:
            data = self.get(part.name)
        except FileNotFoundError as error:
            raise corrupt(part.name, "it is missing") from error
        _compare(part, len(data), digest_of(data))
        return data

    def verify(self, part: Part) -> None:
        """Look at a part without keeping it in memory.

        Raises:
            ResourceError: `checkpoint.corrupt`.
        """
        _check_name(part)
        try:
            measured = self.measure(part.name)
        except FileNotFoundError as error:
            raise corrupt(part.name, "it is missing") from error
        _compare(part, *measured)

    def commit(self, checkpoint: Checkpoint) -> int:
        """Make a checkpoint exist: the writing of its manifest is the commit point.

        Returns:
            How many bytes it has: its manifest and all parts that names, each counted once.

        Raises:
            ResourceError: `checkpoint.storage_full` or `checkpoint.storage_failed`.
        """
        if checkpoint.id in self.checkpoints():
            raise KernelError(f"checkpoint {checkpoint.id} is there already")
        manifest = Manifest.of(checkpoint, self.write)
        crash_points.reach(crash_points.BEFORE_MANIFEST)
        data = manifest.encode()
        self.put(_manifest_name(checkpoint.id), data)
        crash_points.reach(crash_points.AFTER_MANIFEST)
        return len(data) + sum(part.size for part in set(manifest.parts()))

    def checkpoints(self) -> Sequence[int]:
        """The ids of the committed checkpoints, newest first; damaged ones too."""
        ids = []
        for name in self.names("manifest-"):
            number = name.removeprefix("manifest-").removesuffix(".json")
            if number.isdecimal():
                ids.append(int(number))
        return sorted(ids, reverse=True)

    def manifest(self, id_: int) -> Manifest:
        """One manifest; its parts are not looked at.

        Raises:
            ResourceError: `checkpoint.corrupt` or `checkpoint.format`.
        """
        what = _manifest_name(id_)
        try:
            data = self.get(what)
        except FileNotFoundError as error:
            raise corrupt(what, "it is missing") from error
        manifest = Manifest.parse(what, data)
        if manifest.body.get("id") != id_:
            raise corrupt(what, "it is the manifest of another checkpoint")
        return manifest

    def load(self, id_: int) -> Checkpoint:
        """One checkpoint, with every part it names verified.

        Raises:
            ResourceError: `checkpoint.corrupt` or `checkpoint.format`.
        """
        manifest = self.manifest(id_)
        for part in manifest.parts():
            self.verify(part)
        return manifest.checkpoint(self.read)

    def retain(self, count: int) -> None:
        """Remove all but the newest readable checkpoints, and the parts only those had named.

        What is damaged stays where it is, for people to look at.
        """
        readable = []
        for id_ in self.checkpoints():
            try:
                readable.append((id_, self.manifest(id_)))
            except ResourceError as error:
                log.warning("checkpoint %d is left as it is: %s", id_, error.message)
        kept, dropped = readable[: max(count, 1)], readable[max(count, 1) :]
        if not dropped:
            return
        needed = {part.name for _, manifest in kept for part in manifest.parts()}
        named = {part.name for _, manifest in dropped for part in manifest.parts()}
        # First the manifests: one that is there must never name a part that is not.
        self.remove(_manifest_name(id_) for id_, _ in dropped)
        self.remove(sorted(named - needed))

    def sweep(self) -> int:
        """Remove parts that no checkpoint names; only while nobody writes."""
        named: set[str] = set()
        for id_ in self.checkpoints():
            try:
                named.update(part.name for part in self.manifest(id_).parts())
            except ResourceError as error:
                log.warning("nothing is swept while a checkpoint is damaged: %s", error.message)
                return 0
        orphans = [name for name in self.names(_PARTS) if name not in named]
        self.remove(orphans)
        return len(orphans)


def _manifest_name(id_: int) -> str:
    return f"manifest-{id_}.json"


def _check_name(part: Part) -> None:
    if not part.name.startswith(_PARTS) or ".." in part.name.split("/"):
        raise corrupt(part.name, "no part has such a name")


def _compare(part: Part, size: int, digest: str) -> None:
    if size != part.size:
        raise corrupt(part.name, f"it has {size} bytes instead of {part.size}")
    if digest != part.digest:
        raise corrupt(part.name, "its digest is another")
