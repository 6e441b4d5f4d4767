"""What holds for every flow and every patch."""

from hypothesis import given, settings

from tests.engine.flow.strategies import PATCHES, flows
from weft_engine.flow.diff import describe, diff, summarise
from weft_engine.flow.model import Flow
from weft_engine.flow.patch import Patch, apply, compose


@given(flows(), PATCHES)
def test_the_inverse_takes_everything_back(flow: Flow, patch: Patch) -> None:
    applied = apply(flow, patch, on_conflict="skip")

    assert apply(applied.flow, applied.inverse).flow == flow
    assert applied.applied + len(applied.skipped) == len(patch.ops)


@given(flows(), PATCHES)
def test_the_inverse_of_the_inverse_does_it_again(flow: Flow, patch: Patch) -> None:
    applied = apply(flow, patch, on_conflict="skip")
    back = apply(applied.flow, applied.inverse)

    assert apply(back.flow, back.inverse).flow == applied.flow


@given(flows(), PATCHES)
def test_what_comes_out_is_a_valid_flow(flow: Flow, patch: Patch) -> None:
    found = apply(flow, patch, on_conflict="skip").flow

    assert Flow.model_validate(found.model_dump(mode="json")) == found


@given(flows(), PATCHES, PATCHES)
def test_composed_patches_equal_applying_in_turn(flow: Flow, one: Patch, two: Patch) -> None:
    in_turn = apply(apply(flow, one, on_conflict="skip").flow, two, on_conflict="skip").flow

    assert apply(flow, compose(one, two), on_conflict="skip").flow == in_turn


@given(flows(), flows())
def test_a_difference_leads_from_one_flow_to_the_other(a: Flow, b: Flow) -> None:
    patch = diff(a, b)

    assert apply(a, patch).flow == b
    assert diff(b, b).ops == ()


@given(flows(), PATCHES)
def test_a_difference_finds_what_a_patch_did(flow: Flow, patch: Patch) -> None:
    after = apply(flow, patch, on_conflict="skip").flow

    assert apply(flow, diff(flow, after)).flow == after


@given(flows(), PATCHES)
def test_a_patch_is_json(flow: Flow, patch: Patch) -> None:
    read = Patch.model_validate_json(patch.model_dump_json())

    assert apply(flow, read, on_conflict="skip") == apply(flow, patch, on_conflict="skip")


@given(PATCHES)
@settings(max_examples=50)
def test_every_operation_has_a_sentence(patch: Patch) -> None:
    assert all(summarise(patch))
    moves = sum(op.op == "move_node" for op in patch.ops)
    assert len(describe(patch)) == len(patch.ops) - max(0, moves - 1)
