"""Route: the node types that are installed, with everything an editor needs to know of them."""

import gzip
import hashlib
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.serialization import encode_json
from pydantic import BaseModel

from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.spec import NodeSpec

_CACHE = "private, max-age=0, must-revalidate"


class NodeTypeList(BaseModel):
    """Every node type."""

    items: list[NodeSpec]


@dataclass(frozen=True)
class CatalogueBytes:
    """The catalogue as it is sent; it does not change while the server runs."""

    body: bytes
    packed: bytes
    tag: str

    @classmethod
    def of(cls, catalogue: Catalogue) -> "CatalogueBytes":
        """Write the catalogue once."""
        items = [spec.model_dump(mode="json") for spec in catalogue.specs()]
        body = encode_json({"items": items})
        packed = gzip.compress(body, mtime=0)
        return cls(body, packed, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _catalogue_bytes(state: State, catalogue: NamedDependency[Catalogue]) -> CatalogueBytes:
    kept: CatalogueBytes | None = state.get("catalogue_bytes")
    if kept is None:
        kept = state.catalogue_bytes = CatalogueBytes.of(catalogue)
    return kept


@get(
    "/api/node-types",
    operation_id="listNodeTypes",
    tags=["catalogue"],
    responses={
        200: ResponseSpec(NodeTypeList, description="Every node type", generate_examples=False)
    },
)
async def list_node_types(
    request: Request[Any, Any, Any], catalogue_bytes: NamedDependency[CatalogueBytes]
) -> Response[bytes]:
    """The node types that are installed."""
    headers = {"ETag": catalogue_bytes.tag, "Cache-Control": _CACHE, "Vary": "Accept-Encoding"}
    if catalogue_bytes.tag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    body = catalogue_bytes.body
    if "gzip" in request.headers.get("accept-encoding", ""):
        body = catalogue_bytes.packed
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type="application/json", headers=headers)


dependencies = {"catalogue_bytes": Provide(_catalogue_bytes, sync_to_thread=False)}
route_handlers: list[Any] = [list_node_types]
