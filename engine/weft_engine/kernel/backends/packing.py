"""A job on its way to workers: pickled by cloudpickle, because programs are full of lambdas.

What `__main__` defines, and lambdas and local functions and classes, travel by value; everything
else by the name of its module, which the worker must be able to import.
"""

import pickle
import sys
from collections.abc import Iterator
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from weft_engine.errors import FlowError, said
from weft_engine.kernel.runtime.job_spec import JobSpec

_HINT = (
    "Open files, connections, locks and models in `open`, where they are used, instead of "
    "letting a function bring them along."
)


def pack(spec: JobSpec) -> bytes:
    """A job as bytes.

    Raises:
        FlowError: `kernel.unpicklable`, naming the operator or service that cannot be sent.
    """
    try:
        return bytes(cloudpickle.dumps(spec, 5))
    except Exception as error:
        raise _culprit(spec, error) from error


def unpack(data: bytes) -> JobSpec:
    """The job again, in a worker.

    Raises:
        FlowError: `kernel.worker_import` when something it needs is not there.
    """
    try:
        spec = pickle.loads(data)  # noqa: S301 - the coordinator has proved itself
    except Exception as error:
        name = error.name if isinstance(error, ImportError) else None
        raise FlowError(
            f"A worker cannot load the job: {type(error).__name__}: {said(error)}",
            code="kernel.worker_import",
            hint="Install what the program imports on every worker, or let its functions stand in "
            "the program itself.",
            params={"module": name} if name else {},
        ) from error
    _adopt_main()
    assert isinstance(spec, JobSpec)
    return spec


def _adopt_main() -> None:
    """Let classes of the program's `__main__` be known by that name here too.

    They have come by value. Records that are instances of them then go on to other workers, and
    back to the coordinator, by the name of their class and not with its whole code each time.
    """
    main = sys.modules["__main__"]
    # There is no public way to ask for the classes that were loaded by value.
    tracked = cloudpickle.cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS  # noqa: SLF001
    for cls in list(tracked):
        if cls.__module__ == "__main__" and "." not in cls.__qualname__:
            setattr(main, cls.__qualname__, cls)


def _culprit(spec: JobSpec, error: Exception) -> FlowError:
    for what, name, part in _parts(spec):
        found = _fails(part)
        if found is not None:
            return _unpicklable(what, name, found)
    return _unpicklable("The job", spec.id, error)


def _parts(spec: JobSpec) -> Iterator[tuple[str, str, Any]]:
    """Everything a job consists of: what to call it, its name, and the part itself."""
    for stage in spec.plan.stages:
        for operator in stage.operators:
            for name, value in operator.params.items():
                yield f"The {name!r} of operator {operator.name!r}", operator.uid, value
            yield f"The operator {operator.name!r}", operator.uid, operator
    for edge in spec.plan.edges:
        target = next(stage for stage in spec.plan.stages if stage.id == edge.target).operators[0]
        yield f"The key of operator {target.name!r}", target.uid, edge
    for name, service in spec.services.items():
        yield f"The service {name!r}", name, service
    for name in ("config", "storage", "settings"):
        yield f"The job's {name}", name, getattr(spec, name)


def _fails(value: Any) -> Exception | None:
    try:
        cloudpickle.dumps(value, 5)
    except Exception as error:  # noqa: BLE001 - pickling may raise anything
        return error
    return None


def _unpicklable(what: str, name: str, error: Exception) -> FlowError:
    return FlowError(
        f"{what} cannot be sent to a worker: {said(error)}",
        code="kernel.unpicklable",
        hint=_HINT,
        params={"name": name},
    )
