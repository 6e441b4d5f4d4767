"""One server for all tests of a module; each test is somebody else, in a workspace of their own."""

import shutil
from collections.abc import Iterator

import pytest

from tests.server.conftest import Furnished
from tests.server.support import Server
from tests.server.triggers.flows import Armer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, furnished: Furnished) -> Iterator[Server]:
    """A running server with its engine."""
    data = tmp_path_factory.mktemp("triggers") / "data"
    shutil.copytree(furnished.data, data, ignore=shutil.ignore_patterns("*.sock", "lock"))
    running = Server(data)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def armer(server: Server) -> Armer:
    """Somebody who arms flows in a workspace of their own."""
    return Armer(server)
