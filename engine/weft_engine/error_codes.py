"""The codes of all errors and problems, with one English sentence each.

A code is the key of the documentation, of the browser's texts and of the rule-based diagnosis,
so it never changes its meaning. Packages that bring their own errors register them here.
"""

from collections.abc import Mapping

CODES: dict[str, str] = {
    "internal": "Something went wrong inside Weft.",
    # Flow files
    "flow.invalid": "The flow has problems that must be solved first.",
    "flow.file.not_a_flow": "The file holds something else than a flow.",
    "flow.file.malformed": "The text is neither valid JSON nor valid YAML.",
    "flow.file.empty": "The flow file is empty.",
    "flow.file.encoding": "The flow file is not UTF-8 text.",
    "flow.file.too_big": "The flow file is larger than a flow may be.",
    "flow.file.too_deep": "The flow file nests values too deeply.",
    "flow.file.duplicate_key": "A key stands twice in the same place.",
    "flow.file.alias": "YAML anchors, aliases and tags are not used in flow files.",
    "flow.file.format": "The flow file has a format this version does not know.",
    "flow.file.unknown_key": "The flow file has a key that means nothing there.",
    "flow.file.missing_key": "A required key is missing from the flow file.",
    "flow.file.bad_value": "A value in the flow file has the wrong type or is out of range.",
    "flow.file.bad_id": "An id or name in the flow file has characters that are not allowed.",
    "flow.file.unreadable": "The flow file cannot be opened.",
    # Patches
    "patch.conflict": "What the patch expected to find is no longer there.",
    "patch.unknown_node": "The patch changes a node that does not exist.",
    "patch.node_exists": "The patch adds a node whose id is taken.",
    "patch.unknown_edge": "The patch removes an edge that does not exist.",
    "patch.edge_exists": "The patch adds an edge that is already there.",
    "patch.unknown_note": "The patch changes a note that does not exist.",
    "patch.note_exists": "The patch adds a note whose id is taken.",
    "patch.missing_setting": "The patch removes a setting that is not set.",
    "patch.bad_path": "The path of the patch leads nowhere in the settings.",
    "patch.bad_value": "The patch sets something to a value it cannot have.",
    # Nodes and the catalogue
    "node.unknown_type": "No node type of that name is installed.",
    "node.setting_invalid": "A setting of a node has a value it cannot have.",
    "node.failed": "A node failed on its data.",
    "node.crashed": "A node stopped with an error it did not foresee.",
    "node.timeout": "A node took longer than its time limit.",
    "plugin.broken": "A package that offers node types could not be loaded.",
    "plugin.duplicate_type": "Two packages offer a node type of the same name.",
    "type.malformed": "The text does not name a port type.",
    # Expressions
    "expression.invalid": "The expression is wrong.",
    "expression.syntax": "The expression is not complete or not well formed.",
    "expression.too_big": "The expression is too long or nests too deeply.",
    "expression.not_allowed": "The expression uses something that expressions may not do.",
    "expression.unknown_name": "The expression uses a name that does not exist.",
    "expression.unknown_function": "The expression calls a function that does not exist.",
    "expression.bad_call": "A function in the expression got the wrong arguments.",
    "expression.missing_field": "The record has no field of that name.",
    "expression.null_value": "The expression calculates with a value that is empty.",
    "expression.wrong_type": "The expression combines values that do not go together.",
    "expression.failed": "The expression failed on this record.",
    "expression.too_costly": "The expression would produce too much.",
    # Problems found by a check
    "check.empty_flow": "The flow has no nodes.",
    "check.unknown_type": "A node has a type that is not installed.",
    "check.bad_setting": "A setting of a node has a value it cannot have.",
    "check.missing_setting": "A node lacks a setting it needs.",
    "check.unknown_setting": "A node has a setting its type does not know.",
    "check.bad_expression": "An expression in a setting is wrong.",
    "check.missing_input": "A required input of a node is not connected.",
    "check.type_mismatch": "An edge connects ports whose types do not go together.",
    "check.cycle": "Edges run in a circle.",
    "check.unreachable": "A node never runs because a node before it cannot.",
    "check.skipped": "A node is skipped because the nodes before it are disabled.",
    "check.duplicate_edge": "The same edge is drawn twice.",
    "check.dangling_edge": "An edge leads to or from a node that does not exist.",
    "check.unknown_port": "An edge uses a port that the node does not have.",
    "check.port_taken": "Several edges lead into an input that takes one.",
    "check.two_streams": "A node is given records of two different streams.",
    "check.needs_end": "A node waits for the end of a stream that never ends.",
    "check.unbounded": "A stream that never ends stands in a flow that must end.",
    "check.streaming_container": "A container stands in a live stream.",
    "check.streaming_waits": "A node that waits, or handles the end of runs, is in a live stream.",
    "check.streaming_priority": "A node of a live stream has a priority that means nothing there.",
    "check.streaming_merge": "A live stream brings ways together as only batches can.",
    "check.bad_parent": "A node lies in a frame that does not exist.",
    "check.bad_pinned": "The pinned output of a node does not match its ports.",
    "check.unknown_input": "A node reads a flow input that is not declared.",
    "check.unknown_output": "The flow names an output node that does not exist.",
    "check.leaves_container": "An edge leads out of a container, past its inner ports.",
    "check.mixed_sections": "An edge joins two parts of a container that run apart.",
    "check.too_deep": "Containers are nested too deeply.",
    "check.missing_inner_input": "Nothing in a container leads to an inner input that it needs.",
    "check.empty_container": "There is no node in a container.",
    "check.lifted_container": "A container takes one value and is given a stream of them.",
    "check.unreached_in_container": "Nothing leads to a node in a container.",
    "check.endless_into_container": "A container goes through a stream that never ends.",
    "check.unknown_flow": "A flow that is called is not there.",
    "check.call_recursion": "A flow calls itself, at once or through others.",
    "check.called_flow_invalid": "A flow that is called has problems.",
    "check.unknown_argument": "A call gives a value for an input that the called flow has not.",
    "check.newer_version": "A node was made with a newer version of its type.",
    # Files and services
    "resource.failed": "A file, a network or a service failed.",
    "file.not_found": "The file does not exist.",
    "file.outside_root": "The path leads outside the folder that flows may use.",
    "file.permission": "The file may not be read or written.",
    "kernel.internal": "The engine made a mistake.",
}


def register_codes(codes: Mapping[str, str]) -> None:
    """Add the codes of a package; a code that means something else already is refused."""
    for code, sentence in codes.items():
        if CODES.setdefault(code, sentence) != sentence:
            raise ValueError(f"the error code {code!r} is taken: {CODES[code]}")
