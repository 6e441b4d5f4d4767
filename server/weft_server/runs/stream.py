"""A socket that only tells: sends events in order until somebody leaves, lags or may no longer."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import msgspec
from litestar import WebSocket
from litestar.exceptions import LitestarException
from sqlmodel import Session

from weft_server.accounts.authenticator import Authenticator
from weft_server.accounts.principal import Principal
from weft_server.database import Database
from weft_server.errors import Forbidden, Missing, SignedOut
from weft_server.events import ACCESS, Bus, Event, Subscription

SLOW_S: Final = 10.0
"""How long one event may take to leave before its reader is cut off."""
LOOK_AGAIN_S: Final = 60.0
"""How often it is checked that a session still lasts."""

MALFORMED, SIGNED_OUT, NO_ACCESS, NOT_FOUND, TOO_SLOW = 4400, 4401, 4403, 4404, 4429

May = Callable[[Session], object]
"""Raises when this person may not listen."""

_encoder: Final = msgspec.json.Encoder()


class Closed(Exception):  # noqa: N818 not an error: the stream ends
    """The stream ends, with a close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class EventSocket:
    """One reader of events."""

    def __init__(self, socket: WebSocket[Any, Any, Any], principal: Principal, may: May) -> None:
        self._socket = socket
        self._principal = principal
        self._may = may
        self._bus: Bus = socket.app.state.bus
        self._database: Database = socket.app.state.database
        self._authenticator: Authenticator = socket.app.state.authenticator

    async def send(self, event: Event) -> None:
        """Send one event; ends the stream when the reader does not take it in time."""
        text = _encoder.encode(event).decode()
        try:
            await asyncio.wait_for(self._socket.send_text(text), SLOW_S)
        except TimeoutError:
            raise Closed(TOO_SLOW, "too slow; resume with ?after=") from None

    async def serve(self, feed: Callable[["EventSocket"], Awaitable[None]]) -> None:
        """Send what the feed gives, until the reader leaves or must go."""
        try:
            # Heard from before the first look, so that no change falls between the two.
            with self._bus.subscribe(ACCESS) as changes:
                await self._check()
                await _first_of(feed(self), self._watch_access(changes), self._until_left())
        except Closed as closed:
            await self._close(closed)
        except LitestarException:
            # The reader left while something was being sent.
            return

    async def _check(self) -> None:
        try:
            if not await self._authenticator.still_valid(self._principal):
                raise Closed(SIGNED_OUT, "auth.required")
            await self._database.query(self._may)
        except Missing as error:
            raise Closed(NOT_FOUND, error.code) from None
        except Forbidden as error:
            raise Closed(NO_ACCESS, error.code) from None
        except SignedOut as error:
            raise Closed(SIGNED_OUT, error.code) from None

    async def _watch_access(self, changes: Subscription) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._concerned(changes), LOOK_AGAIN_S)
            await self._check()

    async def _concerned(self, changes: Subscription) -> None:
        async for change in changes:
            if change.get("user_id", self._principal.user_id) == self._principal.user_id:
                return

    async def _until_left(self) -> None:
        """Nothing a reader says matters; that it left does."""
        while (await self._socket.receive())["type"] != "websocket.disconnect":
            pass

    async def _close(self, closed: Closed) -> None:
        # A reader that lags gets the code when it reads on; one that is gone, the keepalive ends.
        with contextlib.suppress(LitestarException, RuntimeError):
            await self._socket.close(closed.code, closed.reason)


async def _first_of(*works: Coroutine[Any, Any, None] | Awaitable[None]) -> None:
    """Do things at once until one of them ends; its exception is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
