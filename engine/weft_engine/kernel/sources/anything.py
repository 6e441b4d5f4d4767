"""Makes a source of what a program gives."""

import inspect
from typing import Any

from weft_engine.kernel.connectors import Source
from weft_engine.kernel.program_errors import ProgramError
from weft_engine.kernel.sources.asynchronous import AsyncSource
from weft_engine.kernel.sources.function import FunctionSource, is_source_function
from weft_engine.kernel.sources.iterable import FactorySource


def make_source(given: Any) -> Source[Any]:
    """A source: what is one, or what can be made one.

    Raises:
        ProgramError: when it cannot.
    """
    is_class = inspect.isclass(given)
    if isinstance(given, Source):
        return given
    if is_class and issubclass(given, Source):
        made: Source[Any] = given()
        return made
    if is_source_function(given):
        return FunctionSource(given)
    if inspect.isasyncgenfunction(given):
        return AsyncSource(given)
    if callable(given):
        return FactorySource(given)
    raise ProgramError(
        f"{given!r} is not a source",
        hint="Give a Source, a SourceFunction, or a function without parameters that returns an "
        "iterable; from_collection() takes lists.",
    )
