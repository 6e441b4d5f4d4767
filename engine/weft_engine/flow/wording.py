"""What pydantic finds wrong with a value, in words for people who write flows."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails

_SENTENCES: Final = {
    "string_type": "should be text",
    "string_unicode": "has half a character in it (a lone surrogate)",
    "dict_type": "should be keys with values",
    "model_type": "should be keys with values",
    "model_attributes_type": "should be keys with values",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "finite_number": "should be a finite number",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "literal_error": "should be {expected}",
    "enum": "should be {expected}",
    "greater_than": "should be greater than {gt}",
    "greater_than_equal": "should be at least {ge}",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be at most {le}",
    "multiple_of": "should be a multiple of {multiple_of}",
    "string_too_short": "should have at least {min_length} characters",
    "string_too_long": "should have at most {max_length} characters",
    "too_long": "should have at most {max_length} entries",
    "too_short": "should have at least {min_length} entries",
    "string_pattern_mismatch": "should look like {pattern}",
}


def sentence(detail: ErrorDetails) -> str:
    """`should be at least 1`: what follows the name of the value."""
    context: Mapping[str, Any] = detail.get("ctx", {})
    kind = detail["type"]
    if kind in ("string_too_short", "too_short") and context.get("min_length") == 1:
        return "should not be empty"
    if kind in _SENTENCES:
        return _SENTENCES[kind].format_map(context)
    text = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return text[:1].lower() + text[1:]
