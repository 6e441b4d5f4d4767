"""Looks at a condition while somebody writes it."""

import asyncio
from typing import Annotated, Any

from litestar import post
from litestar.params import JSONBody
from pydantic import BaseModel, Field, StringConstraints

from weft_engine.compiler.problems import problem
from weft_engine.errors import ExpressionError
from weft_engine.runs.engine.debugging_points import compiled_condition
from weft_server.flows.schemas import Body

Port = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w{0,99}$")]


class ConditionBody(Body):
    """The condition of a breakpoint, and what it may name beside what every condition may."""

    condition: str = Field(max_length=10_000)
    ports: list[Port] = Field(default_factory=list, max_length=200)
    """The ports of the node on the side where the breakpoint stops."""


class ConditionReport(BaseModel):
    """What is wrong with a condition, as a check of settings tells it; empty when nothing is."""

    problems: list[dict[str, Any]]


@post("/api/check/condition", operation_id="checkCondition", tags=["flows"], status_code=200)
async def check_condition(data: JSONBody[ConditionBody]) -> ConditionReport:
    """Whether the condition of a breakpoint can be read; nothing is run."""
    if not data.condition.strip():
        return ConditionReport(problems=[])
    try:
        await asyncio.to_thread(compiled_condition, data.condition, data.ports)
    except ExpressionError as error:
        found = problem(
            "bad_expression",
            error.message,
            hint=error.hint,
            path=("condition",),
            given={**error.params, "expression_code": error.code},
        )
        return ConditionReport(problems=[found.model_dump(mode="json")])
    return ConditionReport(problems=[])
