"""The codes of what can be wrong when a deployment is written."""

from collections.abc import Sequence
from typing import Any

from weft_engine.errors import WeftError, register_codes

CODES = {
    "deploy.invalid": "The cluster configuration has problems that must be solved first.",
    "deploy.not_found": "There is no file of that name.",
    "deploy.unreadable": "The file cannot be read.",
    "deploy.malformed": "The cluster configuration is neither valid JSON nor valid YAML.",
    "deploy.unknown_key": "The cluster configuration has a key that means nothing there.",
    "deploy.missing_key": "A required key is missing from the cluster configuration.",
    "deploy.bad_value": "A value in the cluster configuration is wrong or out of range.",
    "deploy.bad_quantity": "An amount of processors, memory or storage cannot be read.",
    "deploy.bad_schema": "The file holds no schema that manifests can be compared with.",
    "deploy.schema_mismatch": "A manifest does not fit the schema of the cluster.",
    "deploy.not_written": "The manifests cannot be written there.",
}
register_codes(CODES)


class DeployError(WeftError):
    """The manifests of a deployment cannot be made."""

    code = "deploy.invalid"


def deploy_error(
    message: str, *, code: str, hint: str = "", path: Sequence[str | int] = (), **params: Any
) -> DeployError:
    """An error with the place in the file where it is, and the line if that is known."""
    line = params.get("line")
    where = f"line {line}: " if line else ""
    return DeployError(
        f"{where}{message}",
        code=f"deploy.{code}",
        hint=hint,
        params={"path": list(path), **params},
    )
