"""The files of a workspace."""

import shutil
from pathlib import Path

import pytest

from tests.engine.examples.runs import DATA


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files as a workspace has it."""
    folder = tmp_path_factory.mktemp("files")
    shutil.copytree(DATA, folder / "examples" / "data")
    return folder
