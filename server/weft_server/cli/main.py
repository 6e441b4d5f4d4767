"""`weft`: what a person types. Only the module of the command in question is imported."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import NamedTuple


class Command(NamedTuple):
    """A command: the module that has it, and what it does."""

    module: str
    summary: str


COMMANDS = {
    "serve": Command("weft_server.cli.serve", "start the server"),
    "run": Command("weft_server.cli.run", "run a flow or a streaming program, without a server"),
    "monitor": Command("weft_server.cli.monitor", "watch the streaming jobs of this machine"),
    "check": Command("weft_server.cli.check", "find the problems of flow files"),
    "plan": Command("weft_server.cli.plan", "show how a flow file will be carried out"),
    "nodes": Command("weft_server.cli.nodes", "list the node types, or show one"),
    "flow": Command("weft_server.cli.flow", "list, export and import flows"),
    "deploy": Command("weft_server.cli.deploy", "write manifests for Kubernetes"),
    "doctor": Command("weft_server.cli.doctor", "check this machine and the data directory"),
    "schema": Command("weft_server.cli.schema", "write the OpenAPI document of the server"),
}
FAILED, INVALID, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = next((word for word in given if word in COMMANDS), None)
    try:
        parser, commands = _parser(name if given and given[0] == name else None)
        rest: list[str] = []
        if name == "run" and "--" in given:
            at = given.index("--")
            given, rest = given[:at], given[at + 1 :]
        options, unknown = parser.parse_known_args(given)
        options.rest = rest
        if unknown:
            asked = commands.get(given[0], parser)
            asked.error(f"unrecognized arguments: {' '.join(unknown)}")
        if not hasattr(options, "run"):
            parser.print_help()
            return 0 if not given else INVALID
        return int(options.run(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; nothing more can be told to anybody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _parser(
    chosen: str | None,
) -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """The parser of everything, and that of each command."""
    parser = argparse.ArgumentParser(
        prog="weft", description="Build data and AI flows together, and run them."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for name, command in COMMANDS.items():
        if name == chosen:
            _module(command).add_parser(commands)
        else:
            commands.add_parser(name, help=command.summary, add_help=False)
    return parser, commands.choices


def _module(command: Command) -> ModuleType:
    return import_module(command.module)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from weft_server.version import version

        print(f"weft {version()}")
        parser.exit()


def cli() -> None:
    """Entry point of the `weft` script."""
    sys.exit(main())


if __name__ == "__main__":
    cli()
