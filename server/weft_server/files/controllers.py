"""Routes of files."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Request, delete, get, put
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import InternalServerException
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream

from weft_server.accounts.principal import Principal
from weft_server.files.faults import broken_off
from weft_server.files.schemas import FileInfo, FileList
from weft_server.files.service import Files

PAGE = 200
LARGEST_PAGE = 1_000
_ANY = "application/octet-stream"


def _workspace_files(state: State) -> Files:
    files: Files = state.workspace_files
    return files


class _Upload(Operation):
    """Documents the raw body, which the handler reads by itself."""

    def __post_init__(self) -> None:
        content = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        self.request_body = RequestBody(content={_ANY: OpenAPIMediaType(schema=content)})


# Whether a path is right is told only to those who may see the workspace; hence the default.
Path = Annotated[str, QueryParameter(max_length=4_000, description="From the workspace's folder.")]


@get("/api/workspaces/{workspace_id:str}/files", operation_id="listFiles", tags=["files"])
async def list_files(
    workspace_id: FromPath[str],
    principal: NamedDependency[Principal],
    workspace_files: NamedDependency[Files],
    path: Path = "",
    search: Annotated[str, QueryParameter(name="query", max_length=255)] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE)] = PAGE,
    cursor: Annotated[str | None, QueryParameter(max_length=600)] = None,
) -> FileList:
    """What is in one folder of a workspace: folders first, then files, by name."""
    return await workspace_files.look(
        principal, workspace_id, path, query=search, limit=limit, cursor=cursor
    )


@get(
    "/api/workspaces/{workspace_id:str}/files/content",
    operation_id="downloadFile",
    tags=["files"],
    media_type=_ANY,
)
async def download_file(
    workspace_id: FromPath[str],
    principal: NamedDependency[Principal],
    workspace_files: NamedDependency[Files],
    path: Path = "",
) -> Stream:
    """The content of a file, never shown as a page of this server."""
    size, name, content = await workspace_files.open(principal, workspace_id, path)
    return Stream(
        content,
        media_type=_ANY,
        headers={
            "Content-Length": str(size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )


@put(
    "/api/workspaces/{workspace_id:str}/files/content",
    operation_id="uploadFile",
    tags=["files"],
    request_max_body_size=None,
    operation_class=_Upload,
)
async def upload_file(
    request: Request[Any, Any, Any],
    workspace_id: FromPath[str],
    principal: NamedDependency[Principal],
    workspace_files: NamedDependency[Files],
    path: Path = "",
    overwrite: FromQuery[bool] = False,
) -> FileInfo:
    """Put a file, whose content is the body as it is; folders on its way are made."""
    return await workspace_files.write(
        principal,
        workspace_id,
        path,
        _body(request),
        announced=request.content_length,
        overwrite=overwrite,
    )


@delete("/api/workspaces/{workspace_id:str}/files", operation_id="deleteFile", tags=["files"])
async def delete_file(
    workspace_id: FromPath[str],
    principal: NamedDependency[Principal],
    workspace_files: NamedDependency[Files],
    path: Path = "",
) -> None:
    """Delete a file or an empty folder."""
    await workspace_files.delete(principal, workspace_id, path)


async def _body(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            yield piece
    except InternalServerException:
        raise broken_off() from None


dependencies = {"workspace_files": Provide(_workspace_files, sync_to_thread=False)}
route_handlers: list[Any] = [list_files, download_file, upload_file, delete_file]
