"""The environments that a run may ask for, by name."""

import importlib
from typing import TYPE_CHECKING, Any, Final

from weft_engine.compiler.program import Program
from weft_engine.errors import FlowError
from weft_engine.flow.model import ENVIRONMENTS
from weft_engine.kernel.backends.local import BATCH_SIZE
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs import codes  # noqa: F401 - registers the codes
from weft_engine.runs.context import RunScope
from weft_engine.runs.executors.base import Executor
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunRequest

if TYPE_CHECKING:
    from weft_engine.runs.executors.remote import RemoteExecutor

LOCAL: Final = "local"
_MODULES: Final = {
    "processes": "weft_engine.runs.executors.processes",
    "ray": "weft_engine.runs.executors.on_ray",
}


def require_known(env: str) -> None:
    """Refuse an environment that there is not.

    Raises:
        FlowError: `run.unknown_env`.
    """
    if env not in ENVIRONMENTS:
        raise FlowError(
            f"There is no environment {env!r}.",
            code="run.unknown_env",
            hint=f"Choose one of {', '.join(ENVIRONMENTS)}.",
            params={"env": env},
        )


def executor_of(
    request: RunRequest,
    program: Program,
    catalogue: Catalogue,
    store: OutputStore,
    *,
    batch_size: int = BATCH_SIZE,
) -> "RemoteExecutor | None":
    """What works on the units of a run; it is to `enter` the run. None: threads of this process.

    Nothing is started before the first unit, so that a run of light nodes costs nothing.

    Args:
        request: What is asked for.
        program: What is run.
        catalogue: The node types it is made of.
        store: Keeps what ports give.
        batch_size: How many records go through a stretch at a time, at most.

    Raises:
        FlowError: `run.unknown_env`.
    """
    require_known(request.env)
    if request.env == LOCAL:
        return None
    # What they need is only loaded when a run asks for it.
    module: Any = importlib.import_module(_MODULES[request.env])
    remote: Any = importlib.import_module("weft_engine.runs.executors.remote")
    crew = module.shared()
    made: RemoteExecutor = remote.RemoteExecutor(
        crew,
        request,
        program,
        catalogue,
        store=store,
        batch_size=batch_size,
        outputs=store.directory if crew.room.near else None,
    )
    return made


def enter(executor: Executor | None, scope: RunScope) -> None:
    """Let an executor belong to the run that was made with it."""
    if executor is not None and hasattr(executor, "enter"):
        executor.enter(scope)
