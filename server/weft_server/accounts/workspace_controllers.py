"""Routes: workspaces and their members."""

from typing import Any

from litestar import Request, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlmodel import Session

from weft_server.accounts import people, workspaces
from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.accounts.schemas import (
    MemberAdded,
    MemberBody,
    MemberInfo,
    MemberList,
    RoleBody,
    WorkspaceBody,
    WorkspaceInfo,
    WorkspaceList,
)
from weft_server.accounts.tables import Workspace
from weft_server.database import Database
from weft_server.events import ACCESS, Bus


@get("/api/workspaces", operation_id="listWorkspaces", tags=["workspaces"])
async def list_workspaces(
    principal: NamedDependency[Principal], database: NamedDependency[Database]
) -> WorkspaceList:
    """One's workspaces."""
    items = await database.query(lambda session: people.workspace_infos(session, principal.user_id))
    return WorkspaceList(items=items)


@post("/api/workspaces", operation_id="createWorkspace", tags=["workspaces"])
async def create_workspace(
    data: JSONBody[WorkspaceBody],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
) -> WorkspaceInfo:
    """Make a workspace and own it."""

    def create(session: Session) -> WorkspaceInfo:
        workspace = workspaces.create_workspace(session, data.name, principal.user_id)
        return WorkspaceInfo(id=workspace.id, name=workspace.name, role=Role.OWNER)

    return await database.run(create)


@patch("/api/workspaces/{workspace_id:str}", operation_id="renameWorkspace", tags=["workspaces"])
async def rename_workspace(
    workspace_id: FromPath[str],
    data: JSONBody[WorkspaceBody],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
) -> WorkspaceInfo:
    """Give a workspace another name."""

    def rename(session: Session) -> WorkspaceInfo:
        role = workspaces.require_role(session, principal, workspace_id, Role.OWNER)
        workspace = session.get_one(Workspace, workspace_id)
        workspace.name = data.name
        session.add(workspace)
        return WorkspaceInfo(id=workspace.id, name=workspace.name, role=role)

    return await database.run(rename)


@get("/api/workspaces/{workspace_id:str}/members", operation_id="listMembers", tags=["workspaces"])
async def list_members(
    workspace_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
) -> MemberList:
    """Everyone in a workspace."""
    return await database.query(
        lambda session: workspaces.list_members(session, principal, workspace_id)
    )


@post("/api/workspaces/{workspace_id:str}/members", operation_id="addMember", tags=["workspaces"])
async def add_member(
    request: Request[Any, Any, Any],
    workspace_id: FromPath[str],
    data: JSONBody[MemberBody],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
) -> MemberAdded:
    """Add somebody who has an account, or invite somebody who has none."""
    # The page knows by which name and scheme people reach the server; a proxy may change both.
    origin = request.headers.get("origin") if principal.via == "session" else None
    address = (origin or str(request.base_url)).rstrip("/")
    return await database.run(
        lambda session: workspaces.add_member(
            session, principal, workspace_id, data.email, data.role, address
        )
    )


@patch(
    "/api/workspaces/{workspace_id:str}/members/{user_id:str}",
    operation_id="changeRole",
    tags=["workspaces"],
)
async def change_role(
    workspace_id: FromPath[str],
    user_id: FromPath[str],
    data: JSONBody[RoleBody],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    bus: NamedDependency[Bus],
) -> MemberInfo:
    """Give a member another role."""
    info = await database.run(
        lambda session: workspaces.change_role(session, principal, workspace_id, user_id, data.role)
    )
    bus.publish(ACCESS, {"user_id": user_id, "workspace_id": workspace_id})
    return info


@delete(
    "/api/workspaces/{workspace_id:str}/members/{user_id:str}",
    operation_id="removeMember",
    tags=["workspaces"],
)
async def remove_member(
    workspace_id: FromPath[str],
    user_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    bus: NamedDependency[Bus],
) -> None:
    """Take somebody out of a workspace, or leave it."""
    await database.run(
        lambda session: workspaces.remove_member(session, principal, workspace_id, user_id)
    )
    bus.publish(ACCESS, {"user_id": user_id, "workspace_id": workspace_id})


@delete(
    "/api/workspaces/{workspace_id:str}/invitations/{invitation_id:str}",
    operation_id="revokeInvitation",
    tags=["workspaces"],
)
async def revoke_invitation(
    workspace_id: FromPath[str],
    invitation_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
) -> None:
    """Take an invitation back."""
    await database.run(
        lambda session: workspaces.revoke_invitation(
            session, principal, workspace_id, invitation_id
        )
    )


route_handlers: list[Any] = [
    list_workspaces,
    create_workspace,
    rename_workspace,
    list_members,
    add_member,
    change_role,
    remove_member,
    revoke_invitation,
]
