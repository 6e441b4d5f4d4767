"""Making hand-typed texts alike: spaces, capitals, e-mail addresses, telephone numbers."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final, Literal

Step = Literal[
    "trim",
    "collapse_spaces",
    "lower",
    "upper",
    "title",
    "full_width",
    "email",
    "phone",
    "digits",
    "empty_to_null",
]
"""What can be done to a text."""

# A local part and a domain with a dot: what a mail server will accept, not all of RFC 5322.
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}")
_PHONE_SIGNS = re.compile(r"[\s().\-/–·]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def collapse_spaces(text: str) -> str:
    """Turn every run of white space, also wide and non-breaking, into one space.

    >>> collapse_spaces("Ada   Lovelace")
    'Ada Lovelace'
    """
    return " ".join(text.split()) if text.strip() else ""


def title(text: str) -> str:
    """Begin every word with a capital; an apostrophe does not begin a word.

    >>> title("o'hara's SHOP")
    "O'hara's Shop"
    """
    return _WORD.sub(lambda match: match[0][0].upper() + match[0][1:].lower(), text)


def email(text: str) -> str | None:
    """Return an e-mail address in small letters, or nothing if it cannot be one.

    >>> email(" Ada.Lovelace@Example.ORG "), email("ada at example")
    ('ada.lovelace@example.org', None)
    """
    address = text.strip().lower()
    valid = _EMAIL.fullmatch(address) and ".." not in address and not address.startswith(".")
    return address if valid else None


def phone(text: str) -> str | None:
    """Return a telephone number as + and digits, or as digits; nothing if it cannot be one.

    >>> phone("+1 (202) 555-0143"), phone("0044 20 7946 0958"), phone("ask Bob")
    ('+12025550143', '+442079460958', None)
    """
    digits = _PHONE_SIGNS.sub("", unicodedata.normalize("NFKC", text))
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    body = digits.removeprefix("+")
    return digits if body.isascii() and body.isdigit() and 5 <= len(body) <= 15 else None


STEPS: Final[dict[Step, Callable[[str], str | None]]] = {
    "trim": str.strip,
    "collapse_spaces": collapse_spaces,
    "lower": str.lower,
    "upper": str.upper,
    "title": title,
    "full_width": lambda text: unicodedata.normalize("NFKC", text),
    "email": email,
    "phone": phone,
    "digits": lambda text: re.sub(r"\D", "", text) or None,
    "empty_to_null": lambda text: text if text.strip() else None,
}
