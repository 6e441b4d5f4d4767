"""What holds for all tests."""

import os

import pytest
from hypothesis import HealthCheck, settings

# Property tests are about what holds, not about how busy the machine is. In CI the examples are
# the same in every run, so that what has passed keeps passing; elsewhere they are new each time.
settings.register_profile(
    "weft",
    settings.get_profile("ci" if os.environ.get("CI") else "default"),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("weft")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, unless `-m` asks for it, and put some tests last.

    Those that share a Ray cluster run one after the other, so that it is not beside the others.
    Playwright leaves an event loop running in the main thread.
    """
    if "slow" not in config.getoption("markexpr"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
    items.sort(
        key=lambda item: (
            item.get_closest_marker("browser") is not None,
            item.get_closest_marker("ray") is not None,
        )
    )
