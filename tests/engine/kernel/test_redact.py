"""What is taken for a secret by its name, and what is not."""

from typing import Any

import pytest

from weft_engine.kernel.redact import is_secret, redacted


@pytest.mark.parametrize(
    "name",
    [
        "api_key", "apikey", "apiKey", "APIKey", "API_KEY", "x-api-key", "X-API-Key", "api key",
        "private_key", "privateKey", "secret_key", "access_key", "accessKeyId", "access_keys",
        "encryption-key", "key_secret", "signing.key", "openai_key", "x-key", "ssh keys",
        "token", "tokens", "access_token", "idToken", "password", "userPassword", "passwd", "pwd",
        "pass", "passphrase", "pin", "secret", "client_secret", "auth", "authorization",
        "Proxy-Authorization", "cookie", "Set-Cookie", "credentials", "密码",
    ],
)  # fmt: skip
def test_a_secret(name: str) -> None:
    assert is_secret(name)
    assert redacted([{name: "canary"}]) == [{name: "•••"}]


@pytest.mark.parametrize(
    "name",
    [
        "key", "Key", "KEY", "keys", "key1", "key_2", "_key", "key ", "monkey", "keyboard",
        "keyword", "author", "passenger", "spin", "name", "value", "", "键",
    ],
)  # fmt: skip
def test_no_secret(name: str) -> None:
    assert not is_secret(name)
    assert redacted([{name: "seen"}]) == [{name: "seen"}]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"key": "a", "value": {"api_key": "b"}}, {"key": "a", "value": {"api_key": "•••"}}),
        ({"key": {"key": "a", "token": "b"}}, {"key": {"key": "a", "token": "•••"}}),
        ({"token": None, "key": None}, {"token": None, "key": None}),
        ([[{"password": 1}]], [[{"password": "•••"}]]),
    ],
)
def test_inside(value: Any, shown: Any) -> None:
    assert redacted(value) == shown
