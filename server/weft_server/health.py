"""Routes that tell whether the server lives and can work, and what its interface is."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias

from litestar import Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from pydantic import BaseModel
from sqlalchemy import text
from sqlmodel import Session

from weft_server.accounts.principal import public
from weft_server.database import Database
from weft_server.version import version

ReadyCheck: TypeAlias = Callable[[], Awaitable[bool]]
_PATIENCE_SECONDS = 2.0
logger = logging.getLogger("weft.server")


class Health(BaseModel):
    """The server lives."""

    status: Literal["ok"] = "ok"
    version: str


class Readiness(BaseModel):
    """Whether each part of the server can work."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, bool]


@get("/api/health", operation_id="getHealth", tags=["server"], opt=public(before_setup=True))
async def get_health() -> Health:
    """The server answers."""
    return Health(version=version())


@get("/api/ready", operation_id="getReadiness", tags=["server"], opt=public(before_setup=True))
async def get_readiness(state: State, database: NamedDependency[Database]) -> Response[Readiness]:
    """The server can work: its database and its engine answer. 503 if not.

    A part of the server adds its own check to ``app.state.ready_checks``.
    """

    async def database_answers() -> bool:
        return await database.query(_one) == 1

    added: Mapping[str, ReadyCheck] = state.get("ready_checks", {})
    checks = {"database": database_answers, **added}
    answers = await asyncio.gather(*(_passes(name, check) for name, check in checks.items()))
    result = dict(zip(checks, answers, strict=True))
    ready = all(answers)
    return Response(
        Readiness(status="ready" if ready else "not_ready", checks=result),
        status_code=200 if ready else 503,
    )


def _one(session: Session) -> int:
    found: int = session.connection().execute(text("SELECT 1")).scalar_one()
    return found


async def _passes(name: str, check: ReadyCheck) -> bool:
    try:
        return await asyncio.wait_for(check(), _PATIENCE_SECONDS)
    except Exception:
        logger.exception("the check of %s failed", name)
        return False


route_handlers: list[Any] = [get_health, get_readiness]
