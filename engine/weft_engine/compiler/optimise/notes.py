"""What the passes did, in words."""

from collections.abc import Iterable
from typing import Any, Final

from weft_engine.compiler.program import Note

TEXTS: Final = {
    "push_filter.done": (
        "{filter} is asked before {first} already; nodes that are spared records: {over}",
        "{filter} 提前到 {first} 之前判断；少处理记录的节点数：{over}",
    ),
    "push_filter.unattended": (
        "{filter} could be asked before {node}, but {node} would not show all then; "
        "it is done in runs that nobody looks at",
        "{filter} 可以提前到 {node} 之前，但那样 {node} 就显示不全；只在无人查看的运行中这样做",
    ),
    "push_filter.fails": (
        "{filter} stays behind {node}, which may fail for a record that {filter} leaves out",
        "{filter} 留在 {node} 之后：{node} 可能在 {filter} 会排除的记录上失败",
    ),
    "push_filter.reads": (
        "{filter} stays behind {node}: it reads what {node} makes ({columns})",
        "{filter} 留在 {node} 之后：它要用到 {node} 产生的内容（{columns}）",
    ),
    "push_filter.unlike": (
        "{filter} stays behind {node}: the rows need not have the same columns",
        "{filter} 留在 {node} 之后：各行的列可能不同",
    ),
    "push_projection.done": (
        "{node} reads only the columns that are used: {columns}",
        "{node} 只读取用到的列：{columns}",
    ),
    "push_projection.unattended": (
        "{node} could read only the columns that are used ({columns}), but would not show all "
        "then; it is done in runs that nobody looks at",
        "{node} 可以只读取用到的列（{columns}），但那样就显示不全；只在无人查看的运行中这样做",
    ),
    "dead_branch.closed": (
        "{node} never sends anything to {ports}: its condition is always the same",
        "{node} 从不向 {ports} 送出记录：它的条件结果始终相同",
    ),
    "dead_branch.never": (
        "never run, as they lie behind ways that are never taken: {listed}",
        "位于从不走到的分支之后，不会执行：{listed}",
    ),
    "dead_branch.unread": (
        "nothing comes of {node}; it still runs, as it may fail. Switch it off if it is not needed",
        "{node} 的输出无人使用；它仍会执行，因为它可能失败。不需要时可以停用",
    ),
    "dead_branch.done": (
        "{node} is left out, as nothing comes of it: no output and no effect depends on it",
        "{node} 不执行：没有任何输出或副作用依赖它",
    ),
    "dead_branch.unattended": (
        "nothing comes of {node}; it runs, as somebody may look at it, and is left out of runs "
        "that nobody looks at. Make it an output of the flow if it is needed, or switch it off",
        "{node} 的输出无人使用；有人可能查看，所以仍会执行，只在无人查看的运行中省去。"
        "需要时请把它设为流程的输出，否则可以停用",
    ),
    "parallel.units": (
        "{count} units need not wait for each other",
        "{count} 个单元互不等待",
    ),
    "batch.done": (
        "{node} takes many records at a time, {most} at most",
        "{node} 一次处理多条记录，最多 {most} 条",
    ),
    "batch.limited": (
        "{node} takes records one by one, as each has a time limit or may not share a batch",
        "{node} 逐条处理记录，因为每条都有时间限制，或不允许成批",
    ),
}
"""The messages by key, in English and Chinese; the parameters of the note fill them in."""


class Notes:
    """Gathers notes while a program is made."""

    def __init__(self) -> None:
        self._found: list[Note] = []

    def add(
        self, key: str, nodes: Iterable[str], prefix: str = "", *, done: bool = True, **params: Any
    ) -> None:
        """Say something.

        Args:
            key: The rule and what came of it, such as `fold.done`.
            nodes: The nodes it is about.
            prefix: What the paths of these nodes begin with.
            done: False when it says why something was not done.
            params: What fills in the text.
        """
        self._found.append(
            Note(
                rule=key.partition(".")[0],
                nodes=tuple(prefix + node for node in nodes),
                message=TEXTS[key][0].format(**params),
                key=key,
                params=params,
                done=done,
            )
        )

    def all(self) -> tuple[Note, ...]:
        """All of them, in order; the same is said once."""
        said: dict[tuple[str, tuple[str, ...], str], Note] = {}
        for note in self._found:
            said.setdefault((note.rule, note.nodes, note.message), note)
        return tuple(said.values())


def in_chinese(note: Note) -> str:
    """The message of a note in Chinese."""
    return TEXTS[note.key][1].format(**note.params) if note.key in TEXTS else note.message
