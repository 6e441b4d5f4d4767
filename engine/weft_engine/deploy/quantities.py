"""Amounts as Kubernetes writes them: `500m`, `2`, `4Gi`.

The grammar is that of Kubernetes' resource quantities; signs are left out, since no amount here may
be negative.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_SHAPE: Final = re.compile(
    r"^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?$"
)
_SCALE: Final = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6, "G": Decimal(10) ** 9, "T": Decimal(10) ** 12, "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18, "Ki": Decimal(2) ** 10, "Mi": Decimal(2) ** 20, "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40, "Pi": Decimal(2) ** 50, "Ei": Decimal(2) ** 60,
}  # fmt: skip
_LEAST_BYTES: Final = 2**20
_COMMON: Final = re.compile(r"^\s*([0-9.]+)\s*([a-zA-Z]+)\s*$")
_MEANT: Final = {
    "kb": "Ki", "kib": "Ki", "k": "Ki", "mb": "Mi", "mib": "Mi", "gb": "Gi", "gib": "Gi",
    "g": "Gi", "gi": "Gi", "mi": "Mi", "ki": "Ki", "tb": "Ti", "tib": "Ti", "ti": "Ti", "t": "Ti",
}  # fmt: skip


def amount(text: str) -> Decimal | None:
    """The value of a quantity in its base unit (processors, bytes); None when it is none."""
    found = _SHAPE.match(text)
    if found is None:
        return None
    number, suffix, exponent = found.groups()
    if exponent is not None:
        return Decimal(number).scaleb(int(exponent))
    return Decimal(number) * _SCALE.get(suffix, Decimal(1))


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise _bad("should be an amount such as 500m or 4Gi", "")
    return str(value).strip()


def _bad(message: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("quantity", "{message}", {"message": message, "hint": hint})


def _processors(value: Any) -> str:
    text = _text(value)
    found = amount(text)
    if found is None:
        raise _bad(f"{text!r} is not a number of processors", "Write 2, 0.5 or 500m.")
    if found < Decimal("0.001"):
        raise _bad(f"{text!r} is less than a thousandth of a processor", "Write 1m or more.")
    if found > 10_000:
        raise _bad(f"{text!r} is more processors than a machine has", "Did you mean that in m?")
    return text


def _bytes(value: Any) -> str:
    text = _text(value)
    found = amount(text)
    if found is None:
        common = _COMMON.match(text)
        unit = _MEANT.get(common.group(2).lower()) if common else None
        hint = (
            f"Did you mean {common.group(1)}{unit}?" if common and unit else "Write 512Mi or 4Gi."
        )
        raise _bad(f"{text!r} is not a number of bytes", hint)
    if found < _LEAST_BYTES:
        raise _bad(
            f"{text!r} is less than one mebibyte",
            f"A unit is missing: {text}Gi or so?" if text.isdigit() else "Write 512Mi or 4Gi.",
        )
    return text


Processors = Annotated[str, BeforeValidator(_processors)]
"""Processors: `2`, `0.5`, `500m`."""
Bytes = Annotated[str, BeforeValidator(_bytes)]
"""Memory or storage: `512Mi`, `4Gi`."""
