"""The catalogue as the editor gets it."""

from tests.server.support import Server
from weft_engine.nodes.catalogue import Catalogue


def test_every_node_type_is_sent_with_its_spec(server: Server) -> None:
    answer = server.client(server.owner).get("/api/node-types")
    assert answer.status_code == 200
    specs = [spec.model_dump(mode="json") for spec in Catalogue.installed().specs()]
    assert answer.json() == {"items": specs}
    read = next(spec for spec in specs if spec["type"] == "file.read_csv")
    assert read["outputs"][0]["name"] == "rows"
    assert read["i18n"]["zh"]


def test_it_is_sent_once(server: Server) -> None:
    client = server.client(server.owner)
    first = client.get("/api/node-types")
    again = client.get("/api/node-types", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "no-store" not in first.headers["cache-control"]
    other = client.get("/api/node-types", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_it_is_packed_for_whom_can_unpack(server: Server) -> None:
    client = server.client(server.owner)
    plain = client.get("/api/node-types", headers={"Accept-Encoding": "identity"})
    packed = client.get("/api/node-types", headers={"Accept-Encoding": "gzip, br"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
