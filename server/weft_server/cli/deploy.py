"""`weft deploy cluster`: manifests for Kubernetes from one small file."""

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from weft_server.cli.console import Lang, describe, err, language, out, out_json

_WORDS: Final = {
    "en": {
        "written": "{n} files written to {folder}",
        "secret": "needs the Secret {name} with {keys}",
        "pull_secret": "needs the Secret {name} for pulling images",
        "unchecked": "not compared with a schema: {kinds} (see --schema)",
        "checked": "fits the schema of the cluster",
        "sqlite": "no PostgreSQL is named: the database is SQLite on the data volume, "
        "which must be a disk and no network folder",
        "no_checkpoints": "no checkpoint volume: streams on Ray begin anew when a pod is lost",
        "one_node": "the checkpoint volume can be used on one machine only",
        "moving_image": "the image has no fixed version: pods may differ from each other",
    },
    "zh": {
        "written": "已将 {n} 个文件写入 {folder}",
        "secret": "需要 Secret {name}，其中有 {keys}",
        "pull_secret": "拉取镜像需要 Secret {name}",
        "unchecked": "没有与模式比较：{kinds}（见 --schema）",
        "checked": "符合集群的模式",
        "sqlite": "没有指定 PostgreSQL：数据库是数据卷上的 SQLite，"
        "数据卷必须是磁盘而不是网络文件夹",
        "no_checkpoints": "没有检查点卷：Pod 丢失后 Ray 上的流会从头开始",
        "one_node": "检查点卷只能在一台机器上使用",
        "moving_image": "镜像没有固定版本：各个 Pod 可能不同",
    },
}


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("deploy", help="write manifests for Kubernetes")
    kinds = parser.add_subparsers(metavar="WHAT", dest="what", required=True)
    cluster = kinds.add_parser("cluster", help="a Weft server and a Ray cluster on Kubernetes")
    which = cluster.add_mutually_exclusive_group(required=True)
    which.add_argument("--config", metavar="FILE", help="configuration, YAML or JSON")
    which.add_argument("--example", action="store_true", help="print a configuration to begin with")
    cluster.add_argument(
        "--output", type=Path, metavar="DIR", help="write files there, not to the terminal"
    )
    cluster.add_argument(
        "--schema", type=Path, metavar="FILE", action="append", default=[],
        help="compare with this schema before anything is written: the OpenAPI document of your "
        "cluster (kubectl get --raw /openapi/v2) or a CustomResourceDefinition; may be repeated",
    )  # fmt: skip
    cluster.add_argument("--json", action="store_true", help="print data instead of YAML")
    cluster.add_argument("--lang", choices=["en", "zh"], help="language of what is said")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the manifests; 0, or 2 when the input is wrong, or 1 when writing fails."""
    from weft_engine.deploy.codes import DeployError
    from weft_engine.deploy.example import example

    lang = language(args.lang)
    if args.example:
        out(example(lang).rstrip("\n"))
        return 0
    try:
        _deploy(args, lang)
    except DeployError as error:
        _tell(args, error)
        return 1 if error.code == "deploy.not_written" else 2
    return 0


def _deploy(args: argparse.Namespace, lang: Lang) -> None:
    from weft_engine.deploy.manifests import as_yaml, manifests, remarks, secrets
    from weft_engine.deploy.reading import read_config
    from weft_engine.deploy.schema import read_schemas

    config = read_config(args.config)
    files = manifests(config)
    every = [one for found in files.values() for one in found]
    schemas = read_schemas(args.schema)
    problems = schemas.check(every)
    if problems:
        first = problems[0]
        first.params["others"] = [problem.as_dict() for problem in problems[1:]]
        raise first
    texts = {name: as_yaml(found) for name, found in files.items()}
    if args.output is not None:
        _write(args.output, texts)
    unchecked = sorted(
        {one["kind"] for one in every if (one["apiVersion"], one["kind"]) not in schemas.kinds}
    )
    needs, notes = secrets(config), remarks(config)
    words = _WORDS[lang]
    if args.json:
        out_json(
            {
                "manifests": files,
                "folder": None if args.output is None else str(args.output),
                "secrets": [{"name": need.name, "keys": list(need.keys)} for need in needs],
                "unchecked": unchecked,
                "remarks": [{"code": note, "message": words[note]} for note in notes],
            }
        )
        return
    if args.output is None:
        out("".join(texts.values()).rstrip("\n"))
    else:
        err(words["written"].format(n=len(texts), folder=args.output))
    for need in needs:
        said = words["secret" if need.keys else "pull_secret"]
        err(said.format(name=need.name, keys=", ".join(need.keys)))
    for note in notes:
        err(words[note])
    err(words["unchecked"].format(kinds=", ".join(unchecked)) if unchecked else words["checked"])


def _write(folder: Path, texts: dict[str, str]) -> None:
    """Write every file beside its place first, so that none of them is ever half a file."""
    from weft_engine.deploy.codes import DeployError

    drafts: list[tuple[Path, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
            drafts.append((Path(draft), folder / name))
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(draft).chmod(0o644)
        for written, place in drafts:
            written.replace(place)
    except OSError as error:
        for written, _ in drafts:
            written.unlink(missing_ok=True)
        raise DeployError(
            f"{str(folder)!r} cannot be written to: {error.strerror or error}",
            code="deploy.not_written",
            hint="Name another folder with --output.",
            params={"path": []},
        ) from None


def _tell(args: argparse.Namespace, error: Any) -> None:
    if args.json:
        out_json({"error": error.as_dict()})
        return
    err(describe(args.config, error.as_dict()))
    for other in error.params.get("others", ()):
        err(describe(args.config, other))
