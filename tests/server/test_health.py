"""Whether the server lives, and whether it can work."""

from tests.server.support import Server


def test_health_says_which_version_lives(server: Server) -> None:
    answer = server.client().get("/api/health").json()
    assert answer["status"] == "ok"
    assert answer["version"]


def test_parts_of_the_server_add_their_own_checks(server: Server) -> None:
    async def works() -> bool:
        return True

    async def rests() -> bool:
        return False

    async def breaks() -> bool:
        raise RuntimeError("secret inside")

    state = server.app.state
    state.ready_checks = {"works": works}
    answer = server.client().get("/api/ready")
    assert (answer.status_code, answer.json()["checks"]) == (200, {"database": True, "works": True})
    state.ready_checks = {"works": works, "rests": rests, "breaks": breaks}
    answer = server.client().get("/api/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "not_ready")
    assert answer.json()["checks"]["breaks"] is False
    assert "secret" not in answer.text
