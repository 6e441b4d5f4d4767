"""Cutting a text at its natural joints into parts of a bounded size."""

import re
from collections.abc import Iterator
from typing import Final, Literal

Boundary = Literal["heading", "paragraph", "line_break", "sentence", "word", "character"]
"""Where a text may be cut, from coarse to fine."""

Span = tuple[int, int]

_CUTS: Final[dict[Boundary, re.Pattern[str]]] = {
    "heading": re.compile(r"^(?=#{1,6} )", re.MULTILINE),
    "paragraph": re.compile(r"\n[ \t]*\n\s*"),
    "line_break": re.compile(r"\n"),
    "sentence": re.compile(r"(?<=[.!?…])[\"')\]”’]*\s+|(?<=[。！？；])[”’」』）]*"),
    "word": re.compile(r"\s+"),
}
_ORDER: Final[tuple[Boundary, ...]] = (*_CUTS, "character")


def pieces(text: str, start: int, end: int, size: int, boundary: Boundary) -> Iterator[Span]:
    r"""Yield neighbouring spans that together are the whole text, none longer than `size`.

    Args:
        text: The text.
        start: Where to begin.
        end: Where to stop.
        size: The longest span, in characters.
        boundary: Where to cut first; a span that is still too long is cut at finer places.

    >>> text = "One. Two.\n\nThree."
    >>> [text[a:b] for a, b in pieces(text, 0, len(text), 12, "paragraph")]
    ['One. Two.\n\n', 'Three.']
    """
    if boundary == "character":
        for here in range(start, end, size):
            yield here, min(here + size, end)
        return
    finer = _ORDER[_ORDER.index(boundary) + 1]
    for part_start, part_end in _cut(text, start, end, boundary):
        if part_end - part_start <= size:
            yield part_start, part_end
        else:
            yield from pieces(text, part_start, part_end, size, finer)


def _cut(text: str, start: int, end: int, boundary: Boundary) -> Iterator[Span]:
    here = start
    for match in _CUTS[boundary].finditer(text, start, end):
        if match.end() > here:
            yield here, match.end()
            here = match.end()
    if here < end:
        yield here, end


def join(spans: Iterator[Span], size: int) -> Iterator[Span]:
    """Join neighbouring spans as long as the result is not longer than `size`.

    >>> list(join(iter([(0, 4), (4, 8), (8, 12)]), size=9))
    [(0, 8), (8, 12)]
    """
    first = next(spans, None)
    if first is None:
        return
    start, end = first
    for next_start, next_end in spans:
        if next_end - start > size:
            yield start, end
            start = next_start
        end = next_end
    yield start, end


def chunks(text: str, *, size: int, overlap: int, boundary: Boundary) -> Iterator[Span]:
    """Yield the spans of a text's chunks, without white space at their ends.

    Each chunk begins up to `overlap` characters before the last one ended, at a word. Cut at
    headings, no chunk reaches across a heading.
    """
    sections = _cut(text, 0, len(text), "heading") if boundary == "heading" else [(0, len(text))]
    inner: Boundary = "paragraph" if boundary == "heading" else boundary
    room = size - overlap
    for start, end in sections:
        for begin, stop in join(pieces(text, start, end, room, inner), room):
            if trimmed := _trim(text, _earlier(text, start, begin, overlap), stop):
                yield trimmed


def _earlier(text: str, first: int, start: int, overlap: int) -> int:
    """Return where a chunk begins that repeats the end of the one before."""
    here = max(first, start - overlap)
    if here == first or text[here - 1].isspace():
        return here
    space = _CUTS["word"].search(text, here, start)
    return space.end() if space and space.end() < start else here


def _trim(text: str, start: int, end: int) -> Span | None:
    part = text[start:end]
    if not part.strip():
        return None
    return start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())
