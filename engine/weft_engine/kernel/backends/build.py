"""Sets up the tasks of a plan for one run."""

from dataclasses import replace
from functools import partial

from weft_engine.kernel.backends.base import Observer, OperatorError
from weft_engine.kernel.backends.task import Link, Task
from weft_engine.kernel.graph import Ref, Vertex
from weft_engine.kernel.operators import make
from weft_engine.kernel.operators.base import Context, Operator, Pulled, Waiting
from weft_engine.kernel.plan import Plan, consumers


def make_tasks(plan: Plan, context: Context, observer: Observer) -> list[Task]:
    """Fresh tasks, wired; each stands behind those it reads from."""
    vertices = plan.graph.vertices
    tasks: list[Task] = []
    home: dict[int, Task] = {}
    for chain in plan.chains:
        links = [_link(vertices[id_], context, observer) for id_ in chain]
        task = Task(len(tasks), links)
        task.inputs = len(links[0].vertex.inputs)
        task.stages = links[0].operator.stages
        tasks.append(task)
        home.update(dict.fromkeys(chain, task))
    readers = consumers(plan.graph)
    for task in tasks:
        last = task.links[-1]
        task.readers = [
            [(home[id_], port) for id_, port in readers.get(Ref(last.vertex.id, output), ())]
            for output in range(last.vertex.outputs)
        ]
        for link in task.links:
            errors = Ref(link.vertex.id, link.vertex.outputs)
            link.error_readers = [(home[id_], port) for id_, port in readers.get(errors, ())]
        for ref in task.links[0].vertex.inputs:
            if home[ref.operator] not in task.producers:
                task.producers.append(home[ref.operator])
    return tasks


def _link(vertex: Vertex, context: Context, observer: Observer) -> Link:
    own = replace(
        context,
        policy=vertex.policy,
        owner=vertex.owner,
        failures=[],
        report=partial(observer.failed, vertex),
    )
    operator, limit = _make(vertex), vertex.policy.timeout_s
    if limit is None or isinstance(operator, Waiting | Pulled):
        return Link(vertex, operator, own)
    return Link(vertex, operator, own, limit_ns=int(limit * 1e9))


def _make(vertex: Vertex) -> Operator:
    try:
        return make(vertex)
    except Exception as exc:
        raise OperatorError(vertex, exc, None, 1) from exc
