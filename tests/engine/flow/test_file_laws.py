"""What holds for every flow file."""

import contextlib
from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.flow.strategies import flows
from weft_engine.errors import FlowFileError
from weft_engine.flow.file import dump, load
from weft_engine.flow.model import Flow


@pytest.mark.parametrize("kind", ["yaml", "json"])
@given(flow=flows())
def test_what_was_written_is_read(kind: Literal["yaml", "json"], flow: Flow) -> None:
    text = dump(flow, kind=kind)

    assert load(text) == flow
    assert dump(load(text), kind=kind) == text


@given(flows())
def test_other_readers_of_yaml_see_text_as_text(flow: Flow) -> None:
    """PyYAML follows YAML 1.1, where `on` and `12:30` are not text unless they are quoted."""
    data = yaml.safe_load(dump(flow))

    assert data["name"] == flow.name
    for name, node in flow.nodes.items():
        assert data["nodes"][name].get("settings", {}) == node.settings


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda data: data.decode("latin-1")))
def test_any_text_is_a_flow_or_an_error(text: str) -> None:
    with contextlib.suppress(FlowFileError):
        load(text)


@given(
    flows(),
    st.integers(0, 400),
    st.sampled_from(["", "{", "}", ":", "- ", "\t", "'", "&a", "\n", "?"]),
)
def test_a_damaged_file_is_a_flow_or_an_error(flow: Flow, at: int, bit: str) -> None:
    for kind in ("yaml", "json"):
        text = dump(flow, kind=kind)  # type: ignore[arg-type]
        with contextlib.suppress(FlowFileError):
            load(text[:at] + bit + text[at + 1 :])
