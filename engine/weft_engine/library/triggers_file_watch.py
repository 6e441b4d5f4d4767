"""Starting a flow when files change."""

from typing import Any, Literal, NamedTuple

from pydantic import Field

from weft_engine.library.triggers import OVERLAP_ZH, SAMPLE_ZH, Overlap, event_of, no_event
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import SKIP, File, Skip, Text

Change = Literal["created", "changed", "deleted"]


class FileChange(NamedTuple):
    """What happened to a file."""

    file: File | Skip
    path: Text | Skip
    change: Text | Skip
    time: Text | Skip


class FileWatchTrigger(NodeType):
    """Start the flow when a file of the workspace is created, changed or deleted.

    Files that were changed while the server was down are found when it starts again. A file that is
    still being written is left alone until it has settled.

    >>> FileWatchTrigger(pattern="inbox/*.csv", sample="inbox/may.csv").process().path
    'inbox/may.csv'
    """

    type: Literal["trigger.file_watch"] = "trigger.file_watch"
    pattern: str = Field("inbox/*", min_length=1, max_length=500)
    """Which files: a path in the workspace's folder, with * for any part of a name and ** for any
    number of folders."""
    changes: list[Change] = Field(["created", "changed"], min_length=1, max_length=3)
    """What is to start the flow."""
    settle_s: float = Field(1, ge=0.1, le=600)
    """How long a file must have stayed the same before it counts, in seconds."""
    overlap: Overlap = "allow"
    """What to do with an event while the run of the one before still goes on: allow runs both, skip
    drops it, queue lets it wait."""
    sample: str = Field("", max_length=500)
    """The path to use in a run by hand while no file has changed yet."""

    info = NodeInfo(
        category="trigger",
        icon="folder-search",
        title="File watch",
        subtitle="{pattern}",
        ports={
            "file": "The file, with its size.",
            "path": "Its path in the workspace's folder.",
            "change": "What happened: created, changed or deleted.",
            "time": "When the file was last written, or found to be gone.",
        },
        aliases_en=("trigger", "folder", "inbox", "new file", "directory", "upload", "watch"),
        aliases_zh=("触发", "文件夹", "监视", "新文件", "上传", "目录"),
        pure=False,
        deterministic=False,
        zh=Zh(
            title="文件监视",
            summary="工作区的文件被新建、修改或删除时启动流程。",
            subtitle="{pattern}",
            settings={
                "pattern": (
                    "文件",
                    "工作区文件夹中的路径，* 代表名称的任意部分，** 代表任意层文件夹。",
                ),
                "changes": ("变化", "哪些变化会启动流程。"),
                "settle_s": ("静置秒数", "文件保持不变多少秒后才算写完。"),
                "overlap": OVERLAP_ZH,
                "sample": ("示例路径", SAMPLE_ZH),
            },
            ports={
                "file": ("文件", "文件及其大小。"),
                "path": ("路径", "在工作区文件夹中的路径。"),
                "change": ("变化", "发生了什么：created、changed 或 deleted。"),
                "time": ("时间", "文件最后写入或发现已删除的时间。"),
            },
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> FileChange:
        """Give the file."""
        event: Any = event_of(ctx)
        if event is SKIP:
            return FileChange(SKIP, SKIP, SKIP, SKIP)
        if event is None:
            if not self.sample:
                raise no_event("file")
            event = {"path": self.sample, "change": self.changes[0]}
        path = str(event.get("path") or "")
        file: File = {"path": path}
        if event.get("size") is not None:
            file["size"] = int(event["size"])
        return FileChange(file, path, str(event.get("change") or ""), str(event.get("time") or ""))
