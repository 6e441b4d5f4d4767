"""Workers that the tests share: forked ones, and actors of a Ray of their own."""

import threading
from collections.abc import Iterator

import pytest

from weft_engine.kernel.backends.on_ray import OnRay, RayPlaces
from weft_engine.runs.executors.base import Resources
from weft_engine.runs.executors.on_ray import RayRoom
from weft_engine.runs.executors.processes import ProcessRoom
from weft_engine.runs.executors.remote_crew import Crew


@pytest.fixture(scope="session")
def processes() -> Iterator[Crew]:
    """Two processors' worth of worker processes."""
    crew = Crew(ProcessRoom(Resources(cpu=2, gpu=0, memory_mb=4096)))
    yield crew
    crew.close()


@pytest.fixture(scope="session")
def ray() -> Iterator[Crew]:
    """Actors of a Ray cluster on this machine."""
    cluster = OnRay(workers=2, num_cpus=0.25, local_cpus=4)
    # It must outlive the thread that has started it.
    starter = threading.Thread(target=cluster.cluster.connect)
    starter.start()
    starter.join()
    crew = Crew(RayRoom(RayPlaces(cluster=cluster.cluster)))
    yield crew
    crew.close()
    cluster.close()


@pytest.fixture(params=["processes", pytest.param("ray", marks=pytest.mark.ray)])
def crew(request: pytest.FixtureRequest) -> Crew:
    """Workers of either kind."""
    found: Crew = request.getfixturevalue(request.param)
    return found
