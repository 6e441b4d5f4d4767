"""The error codes of running flows."""

from typing import Final

from weft_engine.errors import register_codes

CODES: Final = {
    "run.interrupted": "The engine stopped while the run was in progress.",
    "run.not_active": "The run has ended already.",
    "run.plan_changed": "Node types have changed since the run began, so it cannot go on.",
    "run.cancelled": "The run was cancelled.",
    "run.unknown_node": "The run is asked to start or end at a node that the flow does not have.",
    "run.inside_container": "The run is asked to start or end inside a container.",
    "run.unknown_port": "The run is given a value for a port that the node does not have.",
    "run.unknown_env": "The run is asked to use an environment that is not there.",
    "run.env_unavailable": "The environment of the run has no workers.",
    "run.resources_unavailable": "A node asks for more than any machine of the environment has.",
    "run.worker_lost": "The worker process that worked on a node is gone.",
    "run.worker_unfit": "A worker cannot take part in the run.",
    "run.value_too_big": "A value is too big to be sent to another process.",
    "run.mode_unsupported": "The flow is to run in a mode that is not possible here.",
    "run.unknown_input": "The run is given an input that the flow does not declare.",
    "run.missing_input": "The run lacks an input that the flow needs.",
    "run.bad_breakpoint": "A breakpoint cannot be read.",
    "run.not_stopped": "No activation of the run stands there.",
    "run.no_such_port": "The stopped activation has no such value.",
    "run.bad_value": "The value does not fit the port of the stopped activation.",
    "run.engine_unavailable": "The engine is not running at the moment.",
    "run.request_too_big": "The flow and its inputs are too big to be run.",
    "run.frame_malformed": "The engine and the server do not understand each other.",
    "run.output_missing": "The stored output of a node is no longer there.",
    "run.output_unsaved": "The output of a node cannot be kept.",
    "run.timeout": "The run took longer than it may.",
    "run.too_many": "Too many runs are waiting.",
    "journal.unavailable": "The journal of runs cannot be reached.",
    "journal.full": "There is no space left for the journal of runs.",
    "journal.fenced": "The run is held by another engine now.",
    "journal.damaged": "The journal of runs is damaged.",
    "journal.replaced": "The file of the journal was removed or replaced while it was in use.",
    "journal.format": "The journal of runs was written by another version.",
    "journal.unknown_run": "The journal has no such run.",
    "journal.run_exists": "The journal has a run of that id already.",
    "journal.unstorable": "What a node gave cannot be kept.",
    "journal.value_lost": "A value that a run had kept is gone, or damaged.",
    "node.bad_output": "A node gave something else than it promises.",
    "node.uneven_streams": "Streams that are read side by side differ in length.",
    "http.address_refused": "The address of the request is not public.",
    "http.too_many_redirects": "The service sent the request on too often.",
}

register_codes(CODES)
