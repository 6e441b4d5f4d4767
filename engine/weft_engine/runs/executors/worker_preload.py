"""Loads what every worker needs; done once in the process that workers are forked from."""

import importlib
import pkgutil

from weft_engine.nodes.catalogue import BUILT_IN
from weft_engine.runs.executors import worker as worker

for _found in pkgutil.walk_packages(importlib.import_module(BUILT_IN).__path__, f"{BUILT_IN}."):
    importlib.import_module(_found.name)
