"""Where live runs keep what they need to go on."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

FOLDER: Final = "streams"
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]")


def safe(name: str) -> str:
    """A name for a folder: readable, and different for different names."""
    plain = _ODD.sub("_", name)[:60]
    return (
        plain if plain == name else f"{plain}-{blake2b(name.encode(), digest_size=4).hexdigest()}"
    )


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one run of one stream, below the data directory."""

    data: Path
    stream: str
    """What all runs of one flow have in common."""
    run_id: str

    @property
    def home(self) -> Path:
        """The folder of the stream."""
        return self.data / FOLDER / safe(self.stream)

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.home / safe(self.run_id)

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of the run."""
        return self.run / "checkpoints"

    @property
    def begin(self) -> Path:
        """The savepoint that it begins with, where it takes the place of another run."""
        return self.run / "begin"

    @property
    def halted(self) -> Path:
        """The savepoint it was halted with last."""
        return self.run / "savepoint"

    @property
    def before(self) -> Path:
        """What the nodes before the stream gave."""
        return self.run / "before.pickle"

    @property
    def points(self) -> Path:
        """Where nodes are looked at, for workers to read."""
        return self.run / "points.json"

    @property
    def ingress(self) -> Path:
        """The log of events that are still to be read; of all runs of the stream."""
        return self.home / "ingress.db"

    def root(self, continues: str | None) -> str:
        """The first of the runs that took over from one another; written down for the next."""
        known = self.run / "root"
        if known.exists():
            return known.read_text(encoding="utf-8")
        former = self.home / safe(continues) / "root" if continues else None
        found = former.read_text(encoding="utf-8") if former and former.exists() else ""
        found = found or continues or self.run_id
        self.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        known.write_text(found, encoding="utf-8")
        return found
