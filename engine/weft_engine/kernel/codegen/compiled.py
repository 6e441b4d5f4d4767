"""Turns generated text into functions; the only place of the kernel where text becomes code.

The text is made of names that the generator has chosen, of literals that `repr` has written, and
of `Inline` expressions, which are code of the program's author. No record and no flow has a part
in it.
"""

import functools
import hashlib
import linecache
from collections import deque
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any, Final

_MOST: Final = 1024
"""How many texts are kept compiled, and readable for tracebacks."""
_FILES: Final[deque[str]] = deque()


def make_function(
    text: str, label: str, bound: Mapping[str, Any], name: str = "loop"
) -> Callable[..., Any]:
    """The function of that name that the text defines.

    Args:
        text: The code; compiled once, whoever asks for it.
        label: What tracebacks call it.
        bound: The objects that it refers to.
        name: The function.
    """
    scope: dict[str, Any] = dict(bound)
    exec(_compiled(text, label), scope)  # noqa: S102 - see above
    made: Callable[..., Any] = scope[name]
    return made


@functools.lru_cache(maxsize=_MOST)
def _compiled(text: str, label: str) -> CodeType:
    mark = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
    filename = f"<weft {label} {mark}>"
    if len(_FILES) == _MOST:
        linecache.cache.pop(_FILES.popleft(), None)
    _FILES.append(filename)
    # Without a time, linecache takes the entry as it is and never looks for a file.
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    return compile(text, filename, "exec")
