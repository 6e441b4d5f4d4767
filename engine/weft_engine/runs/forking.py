"""What a run takes over of the one it is forked from, what it does again, and why."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from weft_engine.compiler.program import Program
from weft_engine.errors import FlowError
from weft_engine.flow.topology import descendants
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.runs.identities import Identity, handed_on
from weft_engine.runs.journal.base import RunEntry, StepRow
from weft_engine.runs.levels import ATTEMPT, Level, around, levels, round_of
from weft_engine.runs.parts import Part, parts_of
from weft_engine.runs.run import RunRequest
from weft_engine.runs.survey import Again, Effect, Survey

_WHOLE: Final = frozenset({"completed", "skipped"})
_OTHER: Final = frozenset({"new", "changed", "inside"})
_AFRESH: Final = frozenset({"chosen", "before_chosen", "unsure"})


class Fork:
    """Compares a request with the run it is forked from, and decides row by row.

    | the new run | keeps |
    |---|---|
    | from a node | what neither is that node nor depends on it |
    | with nodes that have not changed only | nodes that would give the same again |
    | neither: another attempt | what completed, and does not depend on what failed |

    In each case what is another node now, or depends on one, is done again; so is what the journal
    does not hold as it is needed now. Within a container that did not complete this is decided for
    each of its rounds.
    """

    def __init__(
        self,
        request: RunRequest,
        program: Program,
        former: RunEntry,
        steps: Sequence[StepRow],
        before: Program | None,
        catalogue: Catalogue,
    ) -> None:
        """Look at both.

        Args:
            request: What is to be run.
            program: Its program.
            former: The run it is forked from.
            steps: What that one did.
            before: The program of that one; None where it cannot be made any more.
            catalogue: The node types.

        Raises:
            FlowError: `run.unknown_node`.
        """
        self._request = request
        self._entry = former
        self._program = program
        self._steps = steps
        self._parts = parts_of(program, request.inputs, request.flows, catalogue)
        self._former: dict[str, Part] = {}
        if before is not None:
            was = former.request
            self._former = parts_of(before, was.inputs, was.flows, catalogue)
        # Where nothing of the flow was changed, a part of it is compared with the whole.
        self._same = before is not None and (
            (request.flow, request.flows, request.inputs)
            == (former.request.flow, former.request.flows, former.request.inputs)
        )
        self._why: dict[str, Again] = {}
        self._completed = {
            (row.node, row.scope)
            for row in steps
            if row.kind == "node" and row.state == "completed"
        }
        self._begun: dict[str, set[str]] = {}
        """By round the nodes that began in it."""
        for row in steps:
            if row.kind == "node" and row.state != "skipped":
                self._begun.setdefault(round_of(row.scope), set()).add(row.node)
        if request.from_node is not None and not (request.only_changed or request.retry):
            self._find_chosen(request.from_node.partition("/")[0])
        self._find_changed()
        if request.only_changed:
            self._find_unsure(former, before)
        self._spread()
        self._failed = {
            (row.node, round_of(row.scope)): row
            for row in steps
            if row.kind == "node" and row.state == "failed"
        }
        self._lost = self._behind_failed()

    def keep(self, row: StepRow) -> bool:
        """Whether a row of the former run is one of the new run, too."""
        if row.state not in _WHOLE or row.kind == "stop":
            return False
        part = self._parts.get(row.node)
        if part is None or not self._is_kept(row, part):
            return False
        return all(self._goes_on(level) for level in levels(row.node, row.scope))

    def apart(self) -> list[str]:
        """Nodes whose effects would be done once more only because of what they work with."""
        done = {path for path, scope in self._completed if not scope}
        return [
            path
            for path, why in self._why.items()
            if why.reason == "together" and self._parts[path].effects and path in done
        ]

    def identities(self) -> dict[str, list[Identity]]:
        """Whose idempotency keys the nodes of another attempt have.

        A node has those that it had before where it is the same, with everything before it.
        """
        was = self._entry.request
        own = was.identity or was.run_id
        if self._request.identity == own:
            return dict(was.identities)
        first = {
            path: self._first_of(part)
            for path, part in self._parts.items()
            if part.runs and path in self._former and part.whole == self._former[path].whole
        }
        same = {path: found for path, found in first.items() if found is not None}
        return handed_on(was.identities, own, same)

    def children(self) -> dict[str, list[str]]:
        """The calls of runs of their own that go on from what those of the run before did.

        With the containers in whose first round alone they do.
        """
        first = {path: self._first_of(part) for path, part in self._parts.items() if part.calls}
        return {path: found for path, found in first.items() if found is not None}

    def calls(self) -> list[tuple[str, str]]:
        """The nodes that call flows as runs of their own, and which flows."""
        return [(path, part.calls) for path, part in self._parts.items() if part.calls]

    def holds(self, path: str, scope: str) -> bool:
        """Whether what an activation did is taken over as a whole."""
        rows = (row for row in self._steps if (row.node, row.scope) == (path, scope))
        return any(row.kind == "node" and self.keep(row) for row in rows)

    def _first_of(self, part: Part) -> list[str] | None:
        """The containers in whose first round alone a node is the same; None if it never is.

        Whatever is in it.
        """
        before = self._former.get(part.path)
        if before is None or part.entry != before.entry:
            return None
        found = []
        for path in list(around(part.path))[1:]:
            now, then = self._parts.get(path), self._former.get(path)
            if now is None or then is None or now.given != then.given:
                return None
            if now.carries and now.body != then.body:
                found.append(path)
        return found

    def survey(self, reused: Iterable[str] = ()) -> Survey:
        """What is taken over, and what is not, of all nodes that take part.

        Args:
            reused: Nodes that are no part of the program, as outputs of theirs were handed over.
        """
        rows = [row for row in self._steps if row.kind == "node" and row.state in _WHOLE]
        kept, ended, over = Counter[str](), set[str](), Counter[str]()
        for row in rows:
            if self.keep(row):
                kept[row.node] += 1
                if "#" not in row.scope or self._is_through(row):
                    ended.add(row.node)
            elif row.state == "completed":
                over[row.node] += 1
        taken, again, effects = sorted(reused), list[Again](), list[Effect]()
        for path, part in self._parts.items():
            if not part.runs:
                continue
            if any(each in ended and self._is_once(each) for each in around(path)):
                taken.append(path)
                continue
            again.append(self._reason(path, kept[path], over[path]))
            if part.effects and over[path]:
                effects.append(Effect(node=path, times=self._times(path)))
        return Survey(taken_over=taken, again=again, effects=effects)

    def _is_through(self, row: StepRow) -> bool:
        """Whether a node that is called for each record has seen all: something behind it began."""
        behind = self._parts[row.node].behind
        return not behind.isdisjoint(self._begun.get(round_of(row.scope), ()))

    def _is_once(self, path: str) -> bool:
        """Whether there is one activation of a node at most."""
        return not any(self._parts[each].repeats for each in list(around(path))[1:])

    # Nodes

    def _find_changed(self) -> None:
        for path, part in self._parts.items():
            before = self._former.get(path)
            if before is None:
                self._set(path, "new")
            elif not self._same and part.own != before.own:
                self._set(path, "changed")
            elif not self._same and part.entry != before.entry:
                cause = self._cause(part)
                self._set(path, "before_changed" if cause else "changed", cause)
            elif not self._same and part.whole != before.whole:
                self._set(path, "inside")
            elif not self._is_held(part):
                self._set(path, "together")

    def _cause(self, part: Part) -> str | None:
        """The nearest node before it that is another one; None where its edges are others."""
        known = [self._why[source] for source in part.sources if source in self._why]
        known += [self._why[each] for each in list(around(part.path))[1:2] if each in self._why]
        for why in known:
            if why.reason == "before_changed":
                return why.because
            if why.reason in _OTHER:
                return why.node
        return None

    def _is_held(self, part: Part) -> bool:
        """Whether the journal has what others read of its unit now.

        Of a stretch of nodes only what leaves it is kept.
        """
        for path in part.unit:
            before = self._former.get(path)
            if before is None:
                return False
            if before.stretch:
                wanted = {end for end in part.left if end[0] == path}
                if not wanted <= before.left:
                    return False
        return True

    def _find_unsure(self, former: RunEntry, before: Program | None) -> None:
        """Keep only nodes that promise the same outputs for the same inputs."""
        request, was = self._request, former.request
        same = (request.inputs, request.trigger) == (was.inputs, was.trigger)
        same = same and before is not None
        same = same and self._program.flow.variables == (before.flow.variables if before else {})
        then = before.signatures if before is not None else {}
        for name in self._program.flow.nodes:
            signature = self._program.signatures.get(name)
            if name in self._parts and (
                not same or signature is None or signature != then.get(name)
            ):
                self._set(name, "unsure")

    def _find_chosen(self, node: str) -> None:
        flow = self._program.flow
        if node not in flow.nodes:
            raise FlowError(
                f"The flow has no node {node!r}.",
                code="run.unknown_node",
                hint="Choose a node of the flow.",
                params={"node": node},
            )
        self._set(node, "chosen")
        for name in sorted(descendants(flow, node)):
            if name in self._parts:
                self._set(name, "before_chosen", node)

    def _spread(self) -> None:
        """Nodes of a stretch run together."""
        for path, part in self._parts.items():
            if path not in self._why:
                other = next((each for each in part.unit if each in self._why), None)
                if other is not None:
                    self._set(path, "together", other)

    def _set(self, path: str, reason: str, because: str | None = None) -> None:
        self._why.setdefault(path, Again(node=path, reason=reason, because=because))

    # Rows

    def _is_kept(self, row: StepRow, part: Part) -> bool:
        before, why = self._former.get(row.node), self._why.get(row.node)
        if row.kind == "node" or before is None:
            return why is None
        if why is not None and (why.reason in _AFRESH or part.given != before.given):
            return False
        if row.kind == "retry":
            return True  # the attempts of a container are counted on
        # The ends of rounds hold as long as what is done in them is the same; those of other
        # sections than the body once all is over.
        over = ":" not in row.key or (row.node, row.scope) in self._completed
        return over and part.body == before.body

    def _goes_on(self, level: Level) -> bool:
        """Whether what lies at a level of a row's path, and in a round there, is still to be."""
        path, scope = level.path, level.scope
        if self._same_round(path, scope):
            return False
        if level.inner is None:
            return True
        now, then = self._parts.get(path), self._former.get(path)
        if now is None or then is None or not now.runs or now.given != then.given:
            return False
        why = self._why.get(path)
        if why is not None and why.reason in _AFRESH:
            return False
        if level.section and ((path, scope) not in self._completed or now.body != then.body):
            return False
        return not now.carries or level.inner == "0" or now.body == then.body

    def _same_round(self, path: str, scope: str) -> bool:
        """Whether it stands behind something that failed, in the same round."""
        return path in self._lost.get(scope, ())

    def _behind_failed(self) -> dict[str, set[str]]:
        lost: dict[str, set[str]] = {}
        for path, scope in self._failed:
            part = self._parts.get(path)
            if part is not None:
                lost.setdefault(scope, set()).update(part.behind)
        return lost

    # Telling

    def _reason(self, path: str, count: int, over: int) -> Again:
        known = self._why.get(path)
        if known is not None:
            return msgspec.structs.replace(known, kept=count)
        if any(node == path for node, _ in self._failed):
            return Again(node=path, reason="failed", kept=count)
        cause = next((node for node, _ in self._failed if self._is_behind(path, node)), None)
        if cause is None and over:
            # It came after what was tried, and that is tried again.
            cause = next(iter(list(around(path))[1:]), None)
        if cause is not None and not count:
            return Again(node=path, reason="before_failed", because=cause)
        return Again(node=path, reason="rest" if count else "not_reached", kept=count)

    def _is_behind(self, path: str, failed: str) -> bool:
        part = self._parts.get(failed)
        return part is not None and path in part.behind

    def _times(self, path: str) -> int:
        """How often it was called and is again; not counting attempts of containers around it."""
        rows = [row for row in self._steps if row.node == path and row.state == "completed"]
        if any("#" in row.scope for row in rows):
            rows = [row for row in rows if "#" in row.scope]  # its own end is no call
        done = (row.scope for row in rows if row.kind == "node" and not self.keep(row))
        return len({ATTEMPT.sub("", scope) for scope in done})
