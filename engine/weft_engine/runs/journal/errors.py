"""What the journal says when it cannot do its work."""

from typing import Any

from weft_engine.errors import ResourceError
from weft_engine.runs import codes  # noqa: F401 - registers the codes


class JournalError(ResourceError):
    """The journal cannot store or find something; `code` says what it is."""

    code = "journal.unavailable"


def unavailable(what: str, reason: BaseException | str) -> JournalError:
    """The store does not answer, or not in time; trying again may help."""
    return JournalError(
        f"The journal of runs cannot be reached: {reason}",
        code="journal.unavailable",
        hint="Check that the journal's database is running and that its address is right; the run"
        " goes on from what was stored.",
        params={"store": what},
        retryable=True,
    )


def full(what: str, reason: BaseException | str) -> JournalError:
    """There is no space for more rows."""
    return JournalError(
        f"There is no space left for the journal of runs: {reason}",
        code="journal.full",
        hint="Make room on the disk that holds the journal; the run goes on from what was stored.",
        params={"store": what},
    )


def fenced(run_id: str) -> JournalError:
    """Another has taken the run, or this one was silent for too long."""
    return JournalError(
        "The run is no longer held by this engine.",
        code="journal.fenced",
        hint="Nothing to do: another engine goes on with it.",
        params={"run": run_id},
    )


def damaged(what: str, reason: str, aside: str | None = None) -> JournalError:
    """What is stored is not what was written."""
    hint = (
        f"The damaged file was moved to {aside}; the next start begins an empty journal. Put back"
        " a copy from before to keep the runs that were under way."
        if aside
        else "Put back a copy of the journal from before, and check the disk."
    )
    return JournalError(
        f"The journal of runs is damaged: {reason}",
        code="journal.damaged",
        hint=hint,
        params={"store": what, "reason": reason, "aside": aside},
    )


def replaced(what: str) -> JournalError:
    """The file is not the one that was opened: what is written into it would be lost."""
    return JournalError(
        "The file of the journal of runs was removed or replaced while it was in use.",
        code="journal.replaced",
        hint="Stop Weft before you move, restore or delete files of its data directory. Runs that"
        " begin from now on use the file that is there; run those again that were under way.",
        params={"store": what},
    )


def unknown_format(what: str, found: Any, known: int) -> JournalError:
    """The database was written by a newer version, or is none of ours."""
    return JournalError(
        f"The journal of runs has format {found}; this version knows format {known}.",
        code="journal.format",
        hint="Use the version of Weft that wrote it, or another place for the journal.",
        params={"store": what, "format": found, "known": known},
    )


def unknown_run(run_id: str) -> JournalError:
    """There is no such run."""
    return JournalError(
        f"The journal has no run {run_id!r}.",
        code="journal.unknown_run",
        hint="It may have been deleted with old runs.",
        params={"run": run_id},
    )


def run_exists(run_id: str) -> JournalError:
    """A run is to begin that there is already."""
    return JournalError(
        f"The journal already has a run {run_id!r}.",
        code="journal.run_exists",
        hint="Give the new run an id of its own.",
        params={"run": run_id},
    )


def unstorable(reason: str, where: str = "", kind: str = "") -> JournalError:
    """A value cannot be kept exactly."""
    what = f"What {where} gave" if where else "A value"
    return JournalError(
        f"{what} cannot be kept: {reason}",
        code="journal.unstorable",
        hint="Give plain data: text, numbers, true or false, dates, lists, objects, bytes, or a"
        " dataclass or pydantic model that the node's own package defines.",
        params={"port": where, "type": kind, "reason": reason},
    )


def value_lost(what: str, reason: str) -> JournalError:
    """A kept value is gone, or its bytes have changed."""
    return JournalError(
        f"A value that a run had kept cannot be read: {reason}",
        code="journal.value_lost",
        hint="Run the flow again from the node that gave it, and check the disk.",
        params={"value": what, "reason": reason},
    )
