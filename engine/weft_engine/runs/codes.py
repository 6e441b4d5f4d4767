"""The error codes of running flows."""

from typing import Final

from weft_engine.errors import register_codes

CODES: Final = {
    "run.interrupted": "The engine stopped while the run was in progress.",
    "run.cancelled": "The run was cancelled.",
    "run.unknown_node": "The run is asked to start or end at a node that the flow does not have.",
    "run.unknown_env": "The run is asked to use an environment that is not there.",
    "run.mode_unsupported": "The flow is to run in a mode that there is not yet.",
    "run.unknown_input": "The run is given an input that the flow does not declare.",
    "run.missing_input": "The run lacks an input that the flow needs.",
    "run.engine_unavailable": "The engine is not running at the moment.",
    "run.request_too_big": "The flow and its inputs are too big to be run.",
    "run.frame_malformed": "The engine and the server do not understand each other.",
    "run.output_missing": "The stored output of a node is no longer there.",
    "run.output_unsaved": "The output of a node cannot be kept.",
    "run.too_many": "Too many runs are waiting.",
    "node.bad_output": "A node gave something else than it promises.",
    "node.uneven_streams": "Streams that are read side by side differ in length.",
    "http.address_refused": "The address of the request is not public.",
    "http.too_many_redirects": "The service sent the request on too often.",
}

register_codes(CODES)
