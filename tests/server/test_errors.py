"""Errors as answers, and the list of their codes."""

import ast
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import weft_server
from weft_engine.deploy import codes as deploy_codes  # noqa: F401 - registers its codes
from weft_engine.errors import (
    CODES as ENGINE_CODES,
)
from weft_engine.errors import (
    ExpressionError,
    FlowError,
    FlowFileError,
    KernelError,
    NodeError,
    PatchError,
    ResourceError,
    WeftError,
)
from weft_engine.nodes.catalogue import Catalogue
from weft_server.errors import (
    CODES,
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    Missing,
    NotReady,
    SignedOut,
    StorageError,
    TooLarge,
    TooMany,
    UnsupportedMedia,
    internal_error,
    invalid_field,
    problem,
    register,
    status_of,
)

SERVER = Path(weft_server.errors.__file__).parent

# Codes join the list when their module is loaded.
Catalogue.installed()
for module in pkgutil.walk_packages(weft_server.__path__, "weft_server."):
    import_module(module.name)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Malformed("x"), 400),
        (SignedOut("x"), 401),
        (Forbidden("x"), 403),
        (Missing.of("flow", "flw_1"), 404),
        (Conflict("x", code="member.exists"), 409),
        (TooLarge("x"), 413),
        (UnsupportedMedia("x"), 415),
        (Invalid("x"), 422),
        (TooMany("x", code="auth.too_many_attempts"), 429),
        (NotReady("x", code="setup_required"), 503),
        (StorageError("x"), 503),
        (FlowError("x"), 422),
        (FlowFileError("x"), 422),
        (PatchError("x"), 422),
        (ExpressionError("x"), 422),
        (NodeError("x"), 422),
        (ResourceError("x"), 502),
        (ResourceError("x", code="journal.full"), 507),
        (ResourceError("x", code="journal.unavailable"), 503),
        (ResourceError("x", code="journal.replaced"), 503),
        (ResourceError("x", code="run.engine_unavailable"), 503),
        (KernelError("x"), 500),
        (WeftError("x"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, WeftError) else str(value),
)
def test_every_error_has_its_status(error: WeftError, status: int) -> None:
    assert status_of(error) == status
    body = problem(error)
    assert body["status"] == status
    assert body["code"] == error.code
    assert {"type", "title", "status", "detail", "code", "hint", "params"} <= set(body)
    assert error.code in CODES | ENGINE_CODES


def test_a_field_is_named() -> None:
    body = problem(invalid_field("email", "No.", code="request.invalid", hint="So.", most=3))
    assert body["fields"] == [{"field": "email", "message": "No.", "code": "request.invalid"}]
    assert body["params"] == {"most": 3}


def test_a_fault_of_ours_tells_nothing() -> None:
    body = problem(internal_error())
    assert (body["status"], body["code"], body["params"]) == (500, "internal", {})


def test_a_code_says_one_thing() -> None:
    register({"request.invalid": CODES["request.invalid"]})
    with pytest.raises(ValueError, match=r"request\.invalid"):
        register({"request.invalid": "Something else."})


def used() -> Iterator[tuple[str, str]]:
    """Every code that stands in the server's source, with the file it stands in."""
    for path in sorted(SERVER.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            code = given.get("code")
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                yield code.value, path.name
            is_missing = ast.unparse(node.func) == "Missing.of"
            if is_missing and isinstance(node.args[0], ast.Constant):
                yield f"{node.args[0].value}.not_found", path.name


@pytest.mark.parametrize(("code", "file"), sorted(set(used())))
def test_every_code_is_in_the_list(code: str, file: str) -> None:
    assert code in CODES or code in ENGINE_CODES


def test_every_code_of_the_server_is_in_the_list_of_all() -> None:
    assert set(CODES) <= set(ENGINE_CODES)
    assert all(sentence.endswith(".") for sentence in CODES.values())
