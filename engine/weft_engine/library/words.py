"""Cutting texts into the words of an index, in English and Chinese."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import regex

_TOKENS = regex.compile(r"(?P<han>\p{Han}+)|[\p{L}\p{N}]+(?:['’]\p{L}+)*")

_STOP_TEXT: Final = """
    a about after all also an and any are as at be because been before but by can cannot could did
    do does down each for from had has have he her here his how i if in into is it its itself just
    less like may me more most much my no nor not of off on once one only or other our out over own
    she should so some still than that the their them then there these they this those through to
    too two under up us very was we were what when where which while who why will with without
    would you your
"""
STOP_WORDS: Final = frozenset(_STOP_TEXT.split())
# Single characters that carry grammar; a pair that holds one says little.
_STOP_HAN: Final = frozenset(
    "的了是在不和有也就都而及与着或一个没我你他她它们这那要会能可把被给让对从到以为于上下里面"
    "就很太最再又还才只来去说看用做好请后前"
)


def words(text: str, *, shortest: int = 2, stop_words: bool = True) -> Iterator[str]:
    """Yield the words of a text in small letters; Chinese as overlapping pairs of characters.

    Args:
        text: The text.
        shortest: Letters a word has at least; Chinese pairs always count.
        stop_words: Whether to leave out words that carry grammar only.

    >>> list(words("The stove is safe. 炉具安全"))
    ['stove', 'safe', '炉具', '具安', '安全']
    """
    for match in _TOKENS.finditer(text):
        if match["han"]:
            yield from _pairs(match["han"], stop_words=stop_words)
            continue
        word = match[0].lower().replace("’", "'").removesuffix("'s")
        if len(word) >= shortest and not (stop_words and word in STOP_WORDS):
            yield word


def _pairs(run: str, *, stop_words: bool) -> Iterator[str]:
    if len(run) == 1:
        if not (stop_words and run in _STOP_HAN):
            yield run
        return
    for first, second in pairwise(run):
        if not (stop_words and (first in _STOP_HAN or second in _STOP_HAN)):
            yield first + second


def count_words(text: str, *, shortest: int, stop_words: bool) -> Counter[str]:
    """Count the words of a text."""
    return Counter(words(text, shortest=shortest, stop_words=stop_words))
