"""Flows in one line: `read=test.rows label=test.label  read.rows>label.row`."""

from weft_engine.flow.model import Edge, Flow, Node


def sketch(text: str, **more: object) -> Flow:
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    for word in text.split():
        if ">" in word:
            (source, out), (target, port) = (end.split(".") for end in word.split(">"))
            edges.append(Edge(source=source, source_port=out, target=target, target_port=port))
        else:
            name, _, kind = word.partition("=")
            disabled = name.startswith("-")
            kind, _, on_error = kind.partition("!")
            nodes[name.strip("-")] = Node.model_validate(
                {"type": f"test.{kind}", "disabled": disabled, "on_error": on_error or "fail"}
            )
    return Flow.model_validate({"name": "x", "nodes": nodes, "edges": edges, **more})
