"""Where `weft flow` finds flows: on a running server, or in a data directory."""

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from weft_engine.errors import FlowError, ResourceError, WeftError
from weft_engine.flow.dump import to_data
from weft_engine.flow.file import from_data
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.accounts.tables import Member, User
from weft_server.database import Database
from weft_server.errors import Missing, NotReady
from weft_server.flows import service
from weft_server.flows.access import FlowAccess
from weft_server.flows.last_runs import no_runs
from weft_server.rooms.registry import Documents, Rooms
from weft_server.settings import Settings

_PAGE = 200
_TIMEOUT_SECONDS = 30
Info = dict[str, Any]


class Source(ABC):
    """Where flows are, whichever way they are reached."""

    @abstractmethod
    def flows(self, query: str) -> list[Info]:
        """All flows that can be seen, the last changed first."""

    @abstractmethod
    def definition(self, flow_id: str) -> Flow:
        """A flow as it is now."""

    @abstractmethod
    def create(self, flow: Flow, workspace: str | None) -> Info:
        """Make a flow."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held open."""

    def find(self, wanted: str) -> str:
        """The id of the flow with this id or name."""
        if wanted.startswith("flw_"):
            return wanted
        found = [flow["id"] for flow in self.flows("") if flow["name"] == wanted]
        if len(found) == 1:
            return str(found[0])
        if found:
            raise FlowError(
                f"{len(found)} flows are called {wanted!r}",
                code="flow.ambiguous_name",
                hint=f"Name one by its id: {', '.join(found)}",
            )
        raise Missing.of("flow", wanted)


class RemoteServer(Source):
    """A running server, asked with an API key."""

    def __init__(self, address: str, key: str) -> None:
        host = _host_of(address)
        self._address = address.rstrip("/")
        self._key = key
        local = host in {"127.0.0.1", "localhost", "::1"}
        # A proxy of the environment knows nothing of this machine's own servers.
        handlers = [urllib.request.ProxyHandler({})] if local else []
        self._opener = urllib.request.build_opener(*handlers)

    def flows(self, query: str) -> list[Info]:
        """All flows that the key's owner sees."""
        found: list[Info] = []
        cursor = ""
        while True:
            asked = urllib.parse.urlencode({"query": query, "limit": _PAGE, "cursor": cursor})
            page = self._call("GET", f"/api/flows?{asked}")
            found += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return found

    def definition(self, flow_id: str) -> Flow:
        """A flow as it is now."""
        return from_data(self._call("GET", f"/api/flows/{_quoted(flow_id)}/definition"))

    def create(self, flow: Flow, workspace: str | None) -> Info:
        """Make a flow."""
        body = {"flow": to_data(flow)} | ({"workspace_id": workspace} if workspace else {})
        made: Info = self._call("POST", "/api/flows", body)
        return made

    def close(self) -> None:
        """Nothing is held open."""

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            request = urllib.request.Request(  # noqa: S310 - the scheme was looked at above
                self._address + path, data=data, headers=headers, method=method
            )
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise _told(error) from error
        except (OSError, ValueError) as error:
            raise ResourceError(
                f"{self._address} cannot be asked: {getattr(error, 'reason', error)}",
                code="server.unreachable",
                hint="Check the address, and whether `weft serve` runs there.",
            ) from error


class DataDirectory(Source):
    """The database of a server on this machine; the server may run meanwhile."""

    def __init__(self, data: Path | None) -> None:
        settings = Settings.from_environment(data=data)
        if not settings.database and not (settings.data / "weft.db").is_file():
            raise ResourceError(
                f"there is no database in {settings.data}",
                code="storage.missing",
                hint="Name the directory with --data, or a running server with --server.",
            )
        self._database = Database(settings.database_url)
        self._database.migrate()
        self._catalogue = Catalogue.installed()
        self._runner = asyncio.Runner()
        self._rooms = self._runner.run(self._open())
        self._documents = Documents(self._rooms)

    async def _open(self) -> Rooms:
        return Rooms(self._database, self._catalogue)

    def flows(self, query: str) -> list[Info]:
        """All flows of the first owner, who sees as much as the server's first user."""
        with self._database.read() as session:
            page = service.list_flows(
                session,
                _owner(session, None)[0],
                no_runs,
                workspace_id=None,
                query=query,
                limit=1_000_000,
                cursor=None,
            )
        return [item.model_dump(mode="json") for item in page.items]

    def definition(self, flow_id: str) -> Flow:
        """A flow as it is stored."""
        return self._runner.run(self._documents.read(flow_id))

    def create(self, flow: Flow, workspace: str | None) -> Info:
        """Make a flow in the name of the workspace's first owner."""
        with self._database.transaction() as session:
            principal, workspace_id = _owner(session, workspace)
            row = service.create_flow(
                session,
                self._documents,
                self._catalogue,
                workspace_id=workspace_id,
                user_id=principal.user_id,
                flow=flow,
            )
            return service.info_of(session, FlowAccess(row, Role.OWNER)).model_dump(mode="json")

    def close(self) -> None:
        """Let go of the database."""
        self._runner.run(self._rooms.close_all())
        self._runner.close()
        self._database.close()


def _owner(session: Session, workspace: str | None) -> tuple[Principal, str]:
    """The first owner of a workspace, or of the oldest one."""
    statement = (
        select(User, Member.workspace_id)
        .join(Member, col(Member.user_id) == col(User.id))
        .where(Member.role == Role.OWNER.value)
        .order_by(col(Member.created_at))
    )
    if workspace is not None:
        statement = statement.where(Member.workspace_id == workspace)
    row = session.exec(statement.limit(1)).first()
    if row is None and workspace is None:
        raise NotReady(
            "the server of this directory has no account yet",
            code="setup_required",
            hint="Open the setup link that `weft serve` printed.",
        )
    if row is None:
        raise Missing.of("workspace", workspace or "")
    user, workspace_id = row
    principal = Principal(
        user_id=user.id,
        name=user.name,
        email=user.email,
        color=user.color,
        via="key",
        credential_id="",
    )
    return principal, workspace_id


def _host_of(address: str) -> str:
    try:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme in {"http", "https"} and parts.hostname:
            return parts.hostname
    except ValueError:
        pass
    raise ResourceError(
        f"{address!r} is not the address of a server",
        code="server.unreachable",
        hint="An address begins with http:// or https://.",
    )


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _told(error: urllib.error.HTTPError) -> WeftError:
    try:
        body = json.loads(error.read(1_000_000))
        return ResourceError(body["detail"], code=body["code"], hint=body.get("hint", ""))
    except (ValueError, KeyError, TypeError):
        return ResourceError(
            f"the server answered {error.code} {error.reason}",
            code="server.unexpected",
            hint="Check that the address is that of a Weft server.",
        )
