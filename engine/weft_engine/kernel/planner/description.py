"""A physical plan as plain data, as a hash, and as text for people."""

import hashlib
import json
from typing import Any

from weft_engine.kernel.physical import Edge, OperatorSpec, PhysicalPlan, Stage
from weft_engine.kernel.planner.fingerprint import plain


def describe(plan: PhysicalPlan) -> dict[str, Any]:
    """The plan as JSON: functions by name and a hash of what they do, secrets hidden."""
    return {
        "job": plan.job,
        "key_groups": plan.key_groups,
        "stages": [_stage(stage) for stage in plan.stages],
        "edges": [_edge(edge) for edge in plan.edges],
        "settings": plain(plan.settings),
        "notes": list(plan.notes),
    }


def plan_hash(plan: PhysicalPlan) -> str:
    """What the plan computes, as a hash; the same in every process.

    The job's name and the settings do not count, nor do the words of the planner.
    """
    described = describe(plan)
    what = {name: described[name] for name in ("key_groups", "stages", "edges")}
    text = json.dumps(what, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def explain(plan: PhysicalPlan) -> str:
    """The plan as text for people."""
    subtasks = sum(stage.parallelism for stage in plan.stages)
    lines = [
        f"Job {plan.job!r}: {len(plan.stages)} stages, {subtasks} subtasks, "
        f"{plan.key_groups} key groups"
    ]
    for stage in plan.stages:
        lines += ["", *_explain_stage(stage, plan)]
    if plan.notes:
        lines += ["", "What the planner did:", *(f"  {note}" for note in plan.notes)]
    return "\n".join(lines)


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "id": stage.id,
        "name": stage.name,
        "parallelism": stage.parallelism,
        "placement": stage.placement,
        "operators": [_operator(spec) for spec in stage.operators],
    }


def _operator(spec: OperatorSpec) -> dict[str, Any]:
    described: dict[str, Any] = {
        "uid": spec.uid,
        "kind": spec.kind,
        "name": spec.name,
        "params": plain(spec.params),
        "inputs": spec.inputs,
        "outputs": spec.outputs,
        "timed": spec.timed,
    }
    if spec.key is not None:
        described["key"] = plain(spec.key)
    if spec.keys:
        described["keys"] = plain(spec.keys)
    if not spec.policy.plain:
        described["policy"] = plain(spec.policy)
    return {**described, "owner": spec.owner} if spec.owner else described


def _edge(edge: Edge) -> dict[str, Any]:
    described: dict[str, Any] = {
        "source": edge.source,
        "operator": edge.operator,
        "output": edge.output,
        "target": edge.target,
        "port": edge.port,
        "exchange": edge.exchange,
    }
    if edge.key is not None:
        described["key"] = plain(edge.key)
    return {**described, "feedback": True} if edge.feedback else described


def _explain_stage(stage: Stage, plan: PhysicalPlan) -> list[str]:
    place = f" on {stage.placement}" if stage.placement else ""
    lines = [f"Stage {stage.id} × {stage.parallelism}{place}"]
    for at, spec in enumerate(stage.operators):
        keyed = ", by key" if spec.key is not None else ""
        timed = ", with times" if spec.timed else ""
        lines.append(f"  {spec.name} ({spec.kind}{keyed}{timed}) [{spec.uid}]")
        lines += [
            f"    {_output(edge, spec)}{edge.exchange} to stage {edge.target}"
            f"{' (back)' if edge.feedback else ''}"
            for edge in plan.out_of(stage.id)
            if edge.operator == at
        ]
    return lines


def _output(edge: Edge, spec: OperatorSpec) -> str:
    if edge.output == spec.outputs:
        return "failures: "
    return f"output {edge.output}: " if edge.output else ""
