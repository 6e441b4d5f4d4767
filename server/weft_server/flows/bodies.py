"""Reads what a new flow is made from: a name, a flow in JSON, or a flow file in YAML."""

import asyncio
from typing import Any

import msgspec
from litestar import Request
from pydantic import ValidationError

from weft_engine.flow.file import from_data, load
from weft_engine.flow.model import Flow
from weft_server.errors import Invalid, Malformed, UnsupportedMedia
from weft_server.flows.schemas import NewFlow

_FILES = {"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain"}


async def read_new_flow(request: Request[Any, Any, Any]) -> tuple[NewFlow, Flow]:
    """What was asked for, and the flow to begin with."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    # Reading a large one takes long enough to be felt by everyone else.
    if media_type in _FILES:
        return NewFlow(), await asyncio.to_thread(load, _text(body), source="the request")
    if media_type in {"application/json", ""}:
        return await asyncio.to_thread(_from_json, body)
    raise UnsupportedMedia(
        f"A flow is not read from {media_type}.",
        hint="Send application/json, or a flow file as application/yaml.",
        params={"media_type": media_type},
    )


def flow_of(data: dict[str, Any]) -> Flow:
    """A flow from JSON data; a mistake is told in the same words as one in a flow file."""
    return from_data(data)


def _from_json(body: bytes) -> tuple[NewFlow, Flow]:
    try:
        asked = NewFlow.model_validate(msgspec.json.decode(body))
    except msgspec.DecodeError as error:
        raise Malformed("The body is not JSON.", hint=str(error)) from None
    except ValidationError as error:
        raise _invalid(error) from None
    flow = flow_of(asked.flow) if asked.flow is not None else Flow(name=asked.name or "Untitled")
    return asked, flow.replace(name=asked.name) if asked.name else flow


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed("The flow file is not UTF-8 text.", hint=str(error)) from None


def _invalid(error: ValidationError) -> Invalid:
    fields = [
        {"field": ".".join(map(str, item["loc"])), "message": item["msg"]}
        for item in error.errors(include_url=False, include_input=False)
    ]
    named = ", ".join(sorted({item["field"] for item in fields if item["field"]}))
    return Invalid(
        f"Not valid: {named}." if named else "The request is not valid.",
        hint="; ".join(f"{item['field']}: {item['message']}" for item in fields),
        params={"fields": named},
        extra={"fields": fields},
    )
