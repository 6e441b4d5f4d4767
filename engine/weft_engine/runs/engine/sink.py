"""What the nodes of one unit say while they work, from any thread."""

from typing import Any

from weft_engine.runs.engine.story import Story
from weft_engine.runs.run import NodeResult, NodeState


class NodeSink:
    """Takes what nodes say, and tells it with their path and scope.

    Every executor hands on what its nodes say by these calls; all they take is plain data, so they
    can be made from another process, too.
    """

    __slots__ = ("_prefix", "_quiet", "_scope", "_story")

    def __init__(self, story: Story, prefix: str, scope: str, *, quiet: bool = False) -> None:
        self._story = story
        self._prefix = prefix
        self._scope = scope
        self._quiet = quiet

    def say(self, kind: str, node: str, data: dict[str, Any]) -> None:
        """Tell an event of a node."""
        if self._quiet and kind != "node_failed":
            return
        if self._scope:
            data["scope"] = self._scope
        self._story.voice.say(kind, self._prefix + node, data)
        self._story.voice.flush()

    def log(self, node: str, level: str, message: str) -> None:
        """Write a line into the log of the run."""
        self._story.log(self._prefix + node, self._scope, level, message)
        self._story.voice.flush()

    def progress(self, node: str, done: float, total: float | None) -> None:
        """Say how far a node is that is called once."""
        self._story.progress(self._prefix + node, self._scope, done, total)
        self._story.voice.flush()

    def result(self, node: str, result: NodeResult) -> None:
        """Show what becomes of a node; the object may change until the unit has ended."""
        self._story.results[self._prefix + node] = result

    def state(self, node: str) -> NodeState | None:
        """Where another node is."""
        found = self._story.results.get(self._prefix + node)
        return found.state if found is not None else None
