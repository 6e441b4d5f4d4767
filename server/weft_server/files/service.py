"""What can be done with the files of a workspace. All of it happens in threads."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Final, TypeVar, TypeVarTuple, Unpack

from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.accounts.workspaces import require_role
from weft_server.database import Database
from weft_server.files.faults import MAX_FILE, not_found, told, too_large
from weft_server.files.folder import Folder, new_path
from weft_server.files.listing import info_of, list_folder
from weft_server.files.schemas import FileInfo, FileList
from weft_server.files.upload import Upload

T = TypeVar("T")
Given = TypeVarTuple("Given")

PIECE: Final = 1_000_000
"""How much is written or read at once, and so what a transfer holds in memory."""
_THREADS: Final = 4


class Files:
    """The files of all workspaces."""

    def __init__(self, root: Path, database: Database) -> None:
        self._root = root.absolute()
        self._incoming = self._root / ".incoming"
        self._database = database
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="weft-files")

    async def start(self) -> None:
        """Remove what an earlier server did not receive to the end."""
        await self._do(lambda: shutil.rmtree(self._incoming, ignore_errors=True))

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=True)

    async def look(
        self,
        principal: Principal,
        workspace_id: str,
        path: str,
        *,
        query: str,
        limit: int,
        cursor: str | None,
    ) -> FileList:
        """A page of one folder."""
        await self._require(principal, workspace_id, Role.VIEWER)
        return await self._do(
            lambda: list_folder(
                self._folder(workspace_id), path, query=query, limit=limit, cursor=cursor
            )
        )

    async def open(
        self, principal: Principal, workspace_id: str, path: str
    ) -> tuple[int, str, AsyncIterator[bytes]]:
        """Size, name and content of a file as it is now; replacing it meanwhile does no harm."""
        await self._require(principal, workspace_id, Role.VIEWER)
        file = await self._do(lambda: self._folder(workspace_id).to_read(path))
        size = os.fstat(file.fileno()).st_size
        return size, Path(path).name, self._content(file, size)

    async def write(
        self,
        principal: Principal,
        workspace_id: str,
        path: str,
        content: AsyncIterator[bytes],
        *,
        announced: int | None,
        overwrite: bool,
    ) -> FileInfo:
        """Receive a file; it appears when all of it is on disk, or not at all."""
        await self._require(principal, workspace_id, Role.EDITOR)
        path = new_path(path)
        folder = await self._do(self._folder, workspace_id)
        await self._do(folder.make)
        await self._do(lambda: folder.may_write(path, overwrite=overwrite))
        if announced is not None and announced > MAX_FILE:
            raise too_large()
        upload = await self._do(Upload, folder, path, self._incoming)
        try:
            await self._receive(upload, content)
            # Whoever lost the right while sending does not write any more.
            await self._require(principal, workspace_id, Role.EDITOR)
            target = await self._do(lambda: upload.finish(overwrite=overwrite))
        finally:
            await asyncio.shield(self._do(upload.discard))
        info = await self._do(info_of, folder, target)
        if info is None:
            raise not_found(path)
        return info

    async def delete(self, principal: Principal, workspace_id: str, path: str) -> None:
        """Delete a file or an empty folder."""
        await self._require(principal, workspace_id, Role.EDITOR)
        await self._do(lambda: _delete(self._folder(workspace_id), path))

    async def _receive(self, upload: Upload, content: AsyncIterator[bytes]) -> None:
        waiting = bytearray()
        size = 0
        async for piece in content:
            size += len(piece)
            if size > MAX_FILE:
                raise too_large()
            waiting += piece
            if len(waiting) >= PIECE:
                await self._do(upload.write, bytes(waiting))
                waiting.clear()
        if waiting:
            await self._do(upload.write, bytes(waiting))

    async def _content(self, file: BinaryIO, size: int) -> AsyncIterator[bytes]:
        """As many bytes as were announced, even if a flow adds to the file meanwhile."""
        with file:
            while size > 0:
                piece = await self._do(file.read, min(size, PIECE))
                if not piece:
                    return
                size -= len(piece)
                yield piece

    async def _require(self, principal: Principal, workspace_id: str, role: Role) -> None:
        await self._database.query(
            lambda session: require_role(session, principal, workspace_id, role)
        )

    def _folder(self, workspace_id: str) -> Folder:
        return Folder(self._root / workspace_id)

    async def _do(self, work: Callable[[Unpack[Given]], T], *given: *Given) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)


def _delete(folder: Folder, path: str) -> None:
    found = folder.to_delete(path)
    with told(path):
        if found.is_dir() and not found.is_symlink():
            found.rmdir()
        else:
            found.unlink()
