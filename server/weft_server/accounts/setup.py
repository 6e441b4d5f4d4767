"""The one-time token with which the first account is made."""

from pathlib import Path

from weft_server.accounts.secrets import new_token, same
from weft_server.errors import Conflict, Forbidden, register

register(
    {
        "setup.bad_token": "The setup token is not the one this server printed.",
        "setup.done": "The first account exists already.",
        "setup.remote": "The first account is made from another machine, which is not allowed.",
    }
)


class SetupToken:
    """A token in a file that only the server's user can read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ensure(self) -> str:
        """The token; made at the first start and kept until it is used."""
        token = self.read()
        if token:
            return token
        token = new_token()
        self._path.unlink(missing_ok=True)
        self._path.touch(mode=0o600)
        self._path.write_text(token + "\n", encoding="ascii")
        return token

    def read(self) -> str:
        """The token, or nothing when it was used."""
        try:
            return self._path.read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def check(self, given: str) -> None:
        """Refuse a wrong token."""
        token = self.read()
        if not token or not same(given, token):
            raise Forbidden(
                "The setup link is not valid.",
                code="setup.bad_token",
                hint="Use the link that `weft serve` prints at its start.",
            )

    def use_up(self) -> None:
        """Make the token worthless."""
        self._path.unlink(missing_ok=True)


def already_done() -> Conflict:
    """The answer when somebody else was faster."""
    return Conflict(
        "This server has been set up already.", code="setup.done", hint="Sign in instead."
    )


def not_from_here() -> Forbidden:
    """The answer to a setup from another machine."""
    return Forbidden(
        "The first account can be made from the machine of the server only.",
        code="setup.remote",
        hint="Open the link there, or start the server with --setup-remote.",
    )
