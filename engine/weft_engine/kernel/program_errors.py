"""What is wrong with a program before it runs."""

from weft_engine.errors import WeftError
from weft_engine.kernel import codes as _codes  # noqa: F401 - registers the codes


class ProgramError(WeftError, ValueError):
    """A program is put together, or configured, in a way that cannot work."""

    code = "program.invalid"
