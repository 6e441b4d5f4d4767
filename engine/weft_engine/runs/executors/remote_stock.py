"""What machines have to share out, and whether that is enough."""

from collections.abc import Iterable, Sequence

from weft_engine.errors import ResourceError
from weft_engine.runs import codes  # noqa: F401 - registers the codes
from weft_engine.runs.executors.base import Resources

_ALMOST = 1e-6


def fits(needs: Resources, machines: Iterable[Resources]) -> bool:
    """Whether any machine has so much, when it has nothing else to do."""
    return any(
        needs.cpu <= machine.cpu
        and needs.gpu <= machine.gpu
        and (needs.memory_mb or 0) <= (machine.memory_mb or 0)
        for machine in machines
    )


def is_free(needs: Resources, machines: Sequence[Resources], busy: Sequence[Resources]) -> bool:
    """Whether all machines together have so much left."""
    cpu = sum(each.cpu for each in machines) - sum(each.cpu for each in busy)
    gpu = sum(each.gpu for each in machines) - sum(each.gpu for each in busy)
    memory = _memory(machines) - _memory(busy)
    enough = cpu + _ALMOST >= needs.cpu and gpu + _ALMOST >= needs.gpu
    return enough and (needs.memory_mb is None or needs.memory_mb <= memory)


def _memory(of: Iterable[Resources]) -> int:
    return sum(each.memory_mb or 0 for each in of)


def unavailable(env: str, needs: Resources, machines: list[Resources]) -> ResourceError:
    """What is asked for is nowhere."""
    best = [
        max((machine.cpu for machine in machines), default=0.0),
        max((machine.gpu for machine in machines), default=0.0),
        max((machine.memory_mb or 0 for machine in machines), default=0),
    ]
    asked = f"{needs.cpu:g} cpu, {needs.gpu:g} gpu"
    if needs.memory_mb is not None:
        asked += f", {needs.memory_mb} MB"
    return ResourceError(
        f"No machine of the environment {env} has what the node asks for: {asked}.",
        code="run.resources_unavailable",
        hint=f"At most {best[0]:g} cpu, {best[1]:g} gpu and {best[2]} MB are to be had. Ask for "
        "less, or run it in another environment.",
        params={
            "env": env,
            "cpu": needs.cpu,
            "gpu": needs.gpu,
            "memory_mb": needs.memory_mb,
            "most": best,
        },
    )
