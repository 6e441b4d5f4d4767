"""Which version of Weft this is."""

from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


@cache
def version() -> str:
    """The installed version; a bare checkout has none."""
    try:
        return installed_version("weft")
    except PackageNotFoundError:
        return "0.0.0"
