"""Port types, and which output goes into which input."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import FlowError
from weft_engine.nodes.fits import common, fits, is_subtype
from weft_engine.nodes.port_type import BASES, PortType, list_of, optional, parse, stream_of

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/fits.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['output']} into {v['input']}")
def test_shared_vectors(vector: dict[str, str | bool]) -> None:
    found = fits(parse(str(vector["output"])), parse(str(vector["input"])))

    assert (found.ok, found.how) == (vector["ok"], vector["how"])
    assert bool(found.reason) is not found.ok


@pytest.mark.parametrize(
    ("output", "target", "how"),
    [
        # what the semantics of flows promise
        ("Stream[Row]", "Row", "lift"),
        ("Stream[Document]", "list[Document]", "collect"),
        ("list[Document]", "Stream[Document]", "explode"),
        ("Text", "Stream[Text]", "single"),
        ("Stream[list[Document]]", "list[Document]", "lift"),
        ("Chunk", "Row", "subtype"),
        ("Message", "Row", "subtype"),
        ("Html", "Json", "subtype"),
        ("Table", "list[Row]", "same"),
        ("Any", "Document", "subtype"),
        ("Date", "Any", "subtype"),
        ("Stream[Row]", "T", "lift"),
        # nothing else converts
        ("Number", "Text", ""),
        ("Text", "Number", ""),
        ("Text", "list[Text]", ""),
        ("list[Text]", "Text", ""),
        ("Row", "Document", ""),
        ("Text", "Html", ""),
        ("Optional[Text]", "Text", ""),
        ("Stream[Row]", "Text", ""),
    ],
)
def test_rules(output: str, target: str, how: str) -> None:
    assert fits(parse(output), parse(target)).how == how


@pytest.mark.parametrize(
    ("output", "target", "reason"),
    [
        ("list[Text]", "Text", "list[Text] is many at once, and Text is one"),
        ("Text", "list[Text]", "Text is one, and list[Text] is many"),
        ("Optional[Text]", "Text", "Optional[Text] may be empty, and Text may not"),
        ("Row", "Document", "not every Row is Document"),
        ("Number", "Text", "Number is not Text"),
    ],
)
def test_says_why_not(output: str, target: str, reason: str) -> None:
    assert fits(parse(output), parse(target)).reason == reason


@pytest.mark.parametrize(
    ("a", "b", "both"),
    [("Text", "Text", "Text"), ("Html", "Text", "Text"), ("Chunk", "Message", "Row"),
     ("Text", "Number", "Json"), ("Date", "Text", "Any"),
     ("list[Html]", "list[Text]", "list[Text]"),
     ("list[Text]", "list[Number]", "list[Json]"), ("Optional[Text]", "Number", "Optional[Json]"),
     ("Optional[Html]", "Text", "Optional[Text]"), ("list[Text]", "Text", "Any")],
)  # fmt: skip
def test_what_two_types_have_in_common(a: str, b: str, both: str) -> None:
    assert str(common(parse(a), parse(b))) == both
    assert str(common(parse(b), parse(a))) == both


@pytest.mark.parametrize(
    ("text", "written"),
    [("Text", "Text"), ("Stream[Row]", "Stream[Row]"), (" list [ Text ] ", "list[Text]"),
     ("Table", "Table"), ("list[Row]", "Table"), ("Stream[Table]", "Stream[Table]"), ("T", "T"),
     ("Optional[Optional[Text]]", "Optional[Text]"), ("Optional[Any]", "Any"),
     ("Stream[list[T2]]", "Stream[list[T2]]")],
)  # fmt: skip
def test_text_form(text: str, written: str) -> None:
    assert str(parse(text)) == written
    assert parse(written) == parse(text)


@pytest.mark.parametrize(
    "text",
    ["", "text", "Strings", "Stream", "Stream[]", "Stream[Row", "Stream[Row]]", "[Row]", "list[Row",
     "Stream[Stream[Row]]", "list[Stream[Row]]", "Row[Text]", "Text, Row", "Text|Row", "Row Text",
     "list[Row][Row]", "TTT", "list[" * 100, "Stream[Row]" * 100],
)  # fmt: skip
def test_what_is_no_type(text: str) -> None:
    with pytest.raises(FlowError) as caught:
        parse(text)

    assert caught.value.code == "type.malformed"
    assert "Document" in caught.value.hint


PLAIN = st.recursive(
    st.sampled_from([PortType(name) for name in (*BASES, "T")]),
    lambda inner: inner.map(list_of) | inner.map(optional),
    max_leaves=3,
)
TYPES = PLAIN | PLAIN.map(stream_of)


@given(TYPES, TYPES)
def test_every_pair_is_decided(a: PortType, b: PortType) -> None:
    found = fits(a, b)

    assert found.ok == bool(found.how)
    assert found.ok != bool(found.reason)


@given(TYPES)
def test_every_type_fits_itself_and_is_its_text(kind: PortType) -> None:
    assert fits(kind, kind).how == "same"
    assert parse(str(kind)) == kind


@given(PLAIN, PLAIN)
def test_both_are_part_of_what_they_have_in_common(a: PortType, b: PortType) -> None:
    both = common(a, b)

    assert is_subtype(a, both)
    assert is_subtype(b, both)
