"""Another attempt of a kept run, of the flow as it was or as it is in the file now."""

import argparse
import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from weft_engine.errors import FlowError, register_codes
from weft_engine.flow.dump import to_data
from weft_engine.flow.model import Flow
from weft_engine.runs.journal.base import ENDED, RunEntry
from weft_engine.runs.run import RunRequest
from weft_engine.runs.survey import Survey
from weft_server.cli.console import Lang, err

register_codes(
    {
        "run.not_failed": "The run did not fail, so there is nothing to try again.",
        "run.still_active": "The run has not ended yet.",
    }
)

_WORDS: Final = {
    "en": {"head": "Taken over from {run}: {taken}. To run: {again}.",
           "effect": "Done again: {node} (was done {n}×)",
           "chosen": "the run begins here", "before_chosen": "depends on {because}",
           "new": "new in the flow", "changed": "changed since",
           "before_changed": "comes after {because}, which changed",
           "inside": "something in it changed", "together": "works together with what runs again",
           "unsure": "may give something else", "failed": "failed",
           "before_failed": "comes after {because}, which failed",
           "rest": "goes on, {kept} done already", "not_reached": "was not reached",
           "goes_on": "goes on from the last checkpoint", "anew": "begins anew"},
    "zh": {"head": "从 {run} 沿用：{taken} 个节点。要运行：{again} 个。",
           "effect": "将再次执行：{node}（已执行过 {n} 次）",
           "chosen": "从这里开始", "before_chosen": "依赖 {because}",
           "new": "流程中新增", "changed": "之后修改过",
           "before_changed": "位于修改过的 {because} 之后",
           "inside": "其中有内容修改过", "together": "与要再次运行的节点一起处理",
           "unsure": "结果可能不同", "failed": "失败",
           "before_failed": "位于失败的 {because} 之后",
           "rest": "继续，已完成 {kept} 次", "not_reached": "之前没有运行到",
           "goes_on": "从上一个检查点继续", "anew": "重新开始"},
}  # fmt: skip


def attempt(
    args: argparse.Namespace,
    entry: RunEntry,
    flow: Flow | None,
    called: Mapping[str, Any] | None,
) -> RunRequest | None:
    """The request of another attempt, where the run has ended; None where it goes on itself.

    Args:
        args: What was asked for.
        entry: The run.
        flow: The flow as it is now, with `--current`.
        called: The flows that this one calls.

    Raises:
        FlowError: `run.not_failed`, or `run.still_active`.
    """
    request = entry.request
    if entry.status not in ENDED or request.flow.get("mode") == "streaming":
        if args.current:
            raise FlowError(
                "The run has not ended, so it goes on with the flow as it was.",
                code="run.still_active",
                hint="Leave out --current.",
                params={"id": entry.id},
            )
        return None
    if entry.status == "completed" and not args.current:
        return None
    if entry.status == "completed":
        raise FlowError(
            "The run completed; there is nothing to try again.",
            code="run.not_failed",
            hint="Start a new run; with --only-changed it uses what has not changed since.",
            params={"id": entry.id},
        )
    again = msgspec.structs.replace(
        request,
        run_id=f"run_{secrets.token_hex(8)}",
        forked_from=entry.id,
        retry=True,
        resume=False,
        last_seq=0,
        only_changed=False,
        breakpoints=[],
        identity="" if args.current else request.identity or entry.id,
    )
    if flow is None:
        return again
    inputs = {name: value for name, value in request.inputs.items() if name in flow.inputs}
    return msgspec.structs.replace(
        again, flow=to_data(flow), inputs=inputs, flows=dict(called or {})
    )


def tell(survey: Survey, run_id: str, titles: Mapping[str, str], lang: Lang) -> None:
    """Say what is taken over, what runs again and why, and what is done once more outside."""

    def title(path: str) -> str:
        names = path.split("/")
        return "/".join(titles.get(name, name) for name in names)

    words = _WORDS[lang]
    taken, again = len(survey.taken_over), len(survey.again)
    err(words["head"].format(run=run_id, taken=taken, again=again))
    for each in survey.again:
        because = title(each.because) if each.because else ""
        why = words[each.reason].format(because=because, kept=each.kept)
        err(f"  {title(each.node)}: {why}")
    for effect in survey.effects:
        err(words["effect"].format(node=title(effect.node), n=effect.times))
