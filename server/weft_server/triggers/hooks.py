"""A request to a webhook: checked, stored, then delivered and answered."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from sqlmodel import Session

from weft_engine.library.triggers_webhook import WebhookTrigger
from weft_server.accounts.secrets import hashed
from weft_server.database import Database, utc_now
from weft_server.errors import (
    Conflict,
    Forbidden,
    Malformed,
    Missing,
    RequestError,
    SignedOut,
    StorageError,
    TooLarge,
    TooMany,
)
from weft_server.runs.live import ENDED
from weft_server.runs.service import Runs
from weft_server.triggers import intake, repository
from weft_server.triggers.dispatch import Delivered, Dispatcher
from weft_server.triggers.intake import Taken
from weft_server.triggers.kinds import signatures, webhook
from weft_server.triggers.kinds.webhook import BadBodyError, Incoming
from weft_server.triggers.rate import Rate
from weft_server.triggers.results import Results
from weft_server.triggers.tables import TriggerRow
from weft_server.triggers.webhook_secrets import WebhookSecrets

LARGEST_RESULT: Final = 1_000_000
_KB: Final = 1024


class RunFailed(RequestError):  # noqa: N818 - the names read as answers
    """502: what the request started has failed."""

    code = "hook.run_failed"
    status = HTTPStatus.BAD_GATEWAY


@dataclass(frozen=True)
class Answer:
    """What the sender is told."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True)
class _Hook:
    row: TriggerRow
    secrets: tuple[str, ...]

    @property
    def settings(self) -> WebhookTrigger:
        """As armed."""
        return WebhookTrigger.model_validate(self.row.settings)


class Hooks:
    """Takes the requests of all webhooks."""

    def __init__(
        self,
        database: Database,
        dispatcher: Dispatcher,
        runs: Runs,
        results: Results,
        secrets: WebhookSecrets,
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._dispatcher = dispatcher
        self._runs = runs
        self._results = results
        self._rate = Rate()

    async def admit(self, token: str, method: str, length: int | None) -> _Hook:
        """The webhook at an address, if a request may be read for it at all.

        Raises:
            Missing: 404 `hook.not_found`.
            RequestError: 405, 413 or 429.
        """
        hook = await self._database.query(partial(_find, self._secrets, token_hash=hashed(token)))
        if hook is None:
            raise Missing(
                "There is no webhook at this address, or its flow is not armed.",
                code="hook.not_found",
                hint="Arm the flow, and copy the address from its triggers.",
            )
        settings = hook.settings
        wait = self._rate.take(hook.row.id, settings.per_minute)
        if wait > 0:
            seconds = math.ceil(wait)
            raise await self._refused(
                hook,
                TooMany(
                    f"The webhook takes {settings.per_minute} requests a minute.",
                    code="hook.too_many",
                    hint="Send again later.",
                    params={"seconds": seconds},
                    headers={"Retry-After": str(seconds)},
                ),
            )
        if method not in settings.methods:
            raise await self._refused(hook, _wrong_method(method, settings))
        if length is not None:
            await self._require_small(hook, settings, length)
        return hook

    async def take(self, hook: _Hook, request: Incoming) -> Answer:
        """Check a request, store it, deliver it, and answer as the webhook's settings say.

        Raises:
            RequestError: it is refused, or the run it started has failed.
        """
        settings = hook.settings
        await self._require_small(hook, settings, len(request.body))
        wrong = signatures.check(
            settings, request.by_name, request.body, hook.secrets, utc_now().timestamp()
        )
        if wrong is not None:
            raise await self._refused(hook, _unsigned(wrong.code))
        try:
            payload = webhook.payload(settings, request)
        except BadBodyError:
            raise await self._refused(
                hook,
                Malformed(
                    "The body is not what its Content-Type says.",
                    code="hook.bad_body",
                    hint="Send well-formed JSON as application/json, at most 100 levels deep.",
                ),
            ) from None
        delivery, key = webhook.delivery_id(settings, request)
        taken = await self._database.run(
            lambda session: intake.take(
                session, hook.row, payload, utc_now(), once_key=key, delivery_id=delivery
            )
        )
        if taken.duplicate:
            return _repeated(taken)
        self._dispatcher.announce(taken.event, taken.event.state)
        delivered = await self._deliver(taken)
        if settings.answer == "result":
            return await self._result(taken, delivered, settings.wait_s)
        return _accepted(taken, delivered)

    async def _deliver(self, taken: Taken) -> Delivered:
        try:
            return await self._dispatcher.deliver(taken.event.id)
        except StorageError:
            # It is on disk and so will be delivered; the sender need not send it again.
            self._dispatcher.wake(taken.event.flow_id)
            return Delivered("received")

    async def _result(self, taken: Taken, delivered: Delivered, wait_s: float) -> Answer:
        if delivered.run is None:
            if delivered.state == "received":
                return _accepted(taken, delivered)
            raise Conflict(
                "The request was stored, but started no run.",
                code="hook.not_run",
                hint="Look at the events of the flow.",
                params={"event": taken.event.id, "reason": delivered.reason},
            )
        info = await self._runs.wait(delivered.run, wait_s)
        if info.state not in ENDED:
            return _accepted(taken, delivered)
        if info.state != "completed":
            failure: Mapping[str, Any] = info.failure or {}
            raise RunFailed(
                "The run that the request started has not completed.",
                hint="Look at the run in Weft.",
                # What went wrong inside is not for whoever sends requests.
                params={"run": info.id, "state": info.state, "failure": failure.get("code")},
            )
        outputs = await self._database.query(
            lambda session: self._results.read(session, info.id, LARGEST_RESULT)
        )
        body = {"event": taken.event.id, "run": info.id, "state": info.state, "outputs": outputs}
        return Answer(HTTPStatus.OK, body)

    async def _require_small(self, hook: _Hook, settings: WebhookTrigger, length: int) -> None:
        if length > settings.limit_kb * _KB:
            raise await self._refused(
                hook,
                TooLarge(
                    f"The webhook takes bodies of at most {settings.limit_kb} KB.",
                    code="hook.too_large",
                    hint="Send less, or raise the limit of the webhook.",
                    params={"limit_kb": settings.limit_kb},
                ),
            )

    async def _refused(self, hook: _Hook, error: RequestError) -> RequestError:
        """Note a refused request; nothing it carried is kept."""
        event = await self._database.run(
            lambda session: intake.note(session, hook.row, "refused", error.code, utc_now())
        )
        self._dispatcher.announce(event, "refused")
        return error


def _find(secrets: WebhookSecrets, session: Session, *, token_hash: str) -> _Hook | None:
    row = repository.by_token(session, token_hash)
    if row is None:
        return None
    return _Hook(row, secrets.valid(repository.secret_of(session, row.id), utc_now()))


def _accepted(taken: Taken, delivered: Delivered) -> Answer:
    body = {"event": taken.event.id, "run": delivered.run_id, "state": delivered.state}
    return Answer(HTTPStatus.ACCEPTED, body)


def _repeated(taken: Taken) -> Answer:
    event = taken.event
    body = {"event": event.id, "run": event.run_id, "state": event.state, "duplicate": True}
    return Answer(HTTPStatus.OK, body)


def _wrong_method(method: str, settings: WebhookTrigger) -> RequestError:
    error = RequestError(
        f"The webhook does not take {method}.",
        code="hook.method",
        hint=f"It takes {', '.join(settings.methods)}.",
        headers={"Allow": ", ".join(settings.methods)},
    )
    error.status = HTTPStatus.METHOD_NOT_ALLOWED
    return error


def _unsigned(code: str) -> RequestError:
    said = {
        "hook.no_secret": "The webhook asks for a signature, but has no secret yet.",
        "hook.unsigned": "The request is not signed as the webhook asks.",
        "hook.stale": "The time in the signature is too far from now.",
    }
    kind = Forbidden if code == "hook.no_secret" else SignedOut
    return kind(
        said.get(code, "The signature does not match."),
        code=code,
        hint="Sign the body as it is sent, with the secret of the webhook.",
    )
