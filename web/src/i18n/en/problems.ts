/** Problems of the flow and what mends them, where the editor has words of its own. */
const problems = {
  "problem.document.bad_value":
    "A value that cannot be used was replaced by its default: {{path}}.",
  "problem.document.malformed_node": "A node that cannot be read is hidden: {{node}}.",
  "problem.document.malformed_edge": "A connection that cannot be read is hidden.",
  "problem.document.malformed_note": "A note that cannot be read is hidden.",
  "problem.document.duplicate_edge": "A connection is there twice and is shown once.",
  "problem.document.dangling_edge":
    "A connection is hidden, because the nodes at its ends are not in this flow.",
  "problem.document.dangling_edge_source":
    "A connection into {{target}} is hidden, because “{{missing}}”, where it begins, is not in this flow.",
  "problem.document.dangling_edge_target":
    "A connection from {{source}} is hidden, because “{{missing}}”, where it ends, is not in this flow.",
  "problem.document.port_taken":
    "Two connections were drawn into this input at the same time; one of them is hidden.",
  "problem.document.cycle":
    "Connections drawn at the same time form a circle; one of them is hidden.",
  "problem.document.orphan_parent":
    "The frame this node was in is gone; the node is shown outside.",
  "problem.check.type_mismatch": "{{source}} gives {{gives}}, and “{{port}}” takes {{takes}}.",
  "problem.check.missing_input": "The input “{{port}}” is not connected.",
  "problem.check.missing_input.any": "Connect any output that fits.",
  "problem.check.unreachable": "It never runs, because {{source}} before it cannot.",
  "problem.check.unreachable.hint": "Solve the problem of {{source}} first.",
  "problem.check.cycle": "Connections run in a circle through {{nodes}}.",
  "problem.check.cycle_self": "It is connected to itself.",
  "problem.check.unknown_port_input": "It has no input “{{port}}”.",
  "problem.check.unknown_port_output": "It has no output “{{port}}”.",
  "problem.check.duplicate_edge": "The connection from {{source}} is drawn {{times}} times.",
  "problem.check.dangling_edge": "A connection has no node at its ends.",
  "problem.check.dangling_edge_source":
    "A connection comes from “{{missing}}”, which is not in this flow.",
  "problem.check.dangling_edge_target":
    "A connection leads to “{{missing}}”, which is not in this flow.",
  "problem.check.needs_end": "It waits for the end of {{source}}, which never comes.",
  "problem.check.two_streams":
    "It works record by record, and its records come from {{origins}}, which are not in step.",
  "problem.nearest": "Did you mean “{{name}}”?",
  quoted: "“{{name}}”",
  listed: ", ",
  "fix.more": "{{first}} and more",
  "fix.set_setting": "Set {{path}} to {{value}}",
  "fix.unset_setting": "Reset {{path}}",
  "fix.set_field": "Change the node",
  "fix.add_edge": "Connect {{port}}",
  "fix.remove_edge": "Remove the connection",
  "fix.remove_node": "Remove the node",
  "fix.of.turn_off": "Turn the call off",
  "fix.replace_node": "Replace it by {{type}}",
  "fix.add_node": "Add {{type}}",
  "fix.of.connect": "Connect {{source}}",
  "fix.of.reconnect": "Connect {{source}} to {{target}}",
  "fix.of.remove_edge": "Disconnect {{source}} from {{target}}",
  "fix.of.route_errors": "Let {{source}} send errors here",
  "fix.of.insert_node": "Put “{{name}}” between",
  "fix.of.merge_edges": "Bring them together with “{{name}}”",
} as const;

export default problems;
