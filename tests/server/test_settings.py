"""Settings from the environment, and whom a server answers."""

from pathlib import Path

import pytest

from weft_server.settings import Settings, is_loopback


def test_what_is_given_goes_before_the_environment() -> None:
    environ = {"WEFT_PORT": "1234", "WEFT_HOST": "::1", "WEFT_DATA": "/srv/weft"}
    settings = Settings.from_environment(environ, port=99, host=None)
    assert (settings.port, settings.host, settings.data) == (99, "::1", Path("/srv/weft"))


def test_lists_and_switches() -> None:
    environ = {
        "WEFT_TRUSTED_ORIGINS": "https://weft.example/, https://b.example",
        "WEFT_TRUSTED_HOSTS": "weft.internal",
        "WEFT_SECURE_COOKIES": "yes",
        "WEFT_DEV": "0",
    }
    settings = Settings.from_environment(environ)
    assert settings.origins == {"https://weft.example", "https://b.example"}
    assert {"weft.example", "b.example", "weft.internal", "localhost"} <= settings.hosts
    assert settings.secure_cookies
    assert not settings.dev


def test_a_port_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Settings.from_environment({"WEFT_PORT": "http"})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("weft.example", False),
    ],
)
def test_who_can_reach_an_address(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_listening_everywhere_is_no_name() -> None:
    assert not {"0.0.0.0", "[::]"} & (Settings(host="0.0.0.0").hosts | Settings(host="::").hosts)
