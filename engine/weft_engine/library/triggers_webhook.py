"""Starting a flow by an HTTP request."""

from typing import Any, Literal, NamedTuple

from pydantic import Field, JsonValue

from weft_engine.library.triggers import OVERLAP_ZH, SAMPLE_ZH, Overlap, event_of, no_event
from weft_engine.nodes.node_type import NodeContext, NodeInfo, NodeType, Zh
from weft_engine.nodes.types import SKIP, Json, Row, Skip, Text

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Signature = Literal["none", "hmac", "github", "stripe", "standard"]


class WebhookRequest(NamedTuple):
    """A request as it came."""

    body: Json | Skip
    headers: Row | Skip
    query: Row | Skip
    method: Text | Skip


class WebhookTrigger(NodeType):
    """Start the flow when a request comes to an address of its own.

    The address is made when the flow is armed and cannot be guessed. The secret of the signature is
    kept by the server, not in the flow.

    >>> WebhookTrigger(sample={"order": 7}).process()
    WebhookRequest(body={'order': 7}, headers={}, query={}, method='POST')
    """

    type: Literal["trigger.webhook"] = "trigger.webhook"
    methods: list[Method] = Field(["POST"], min_length=1, max_length=5)
    """The methods that are taken; others are refused."""
    answer: Literal["at_once", "result"] = "at_once"
    """At once answers 202 with the id of the run; result waits for what the flow gives."""
    wait_s: float = Field(30, gt=0, le=300)
    """How long the caller waits for the result, in seconds; then the answer is 202 as well."""
    signature: Signature = "none"
    """How a request proves who sent it: hmac is the HMAC-SHA256 of the body in a header, github,
    stripe and standard (standardwebhooks.com) are what those services send."""
    signature_header: str = Field("X-Signature", max_length=100, pattern=r"^[A-Za-z0-9-]+$")
    """The header that holds the signature; for hmac only."""
    signature_prefix: str = Field("", max_length=50)
    """What stands before the signature in that header, such as sha256=; for hmac only."""
    tolerance_s: int = Field(300, ge=1, le=86_400)
    """How old the time in a signature may be, in seconds; for stripe and standard."""
    delivery_header: str = Field("", max_length=100, pattern=r"^[A-Za-z0-9-]*$")
    """The header with the id of a delivery, so that a repeated one is not run twice. Empty is
    Idempotency-Key, or what the service of the signature sends."""
    limit_kb: int = Field(256, ge=1, le=1000)
    """The largest body that is taken, in kilobytes."""
    per_minute: int = Field(60, ge=1, le=6000)
    """How many requests a minute are taken."""
    overlap: Overlap = "allow"
    """What to do with an event while the run of the one before still goes on: allow runs both, skip
    drops it, queue lets it wait."""
    sample: JsonValue = None
    """The body to use in a run by hand while no request has come yet."""

    info = NodeInfo(
        category="trigger",
        icon="webhook",
        title="Webhook",
        subtitle="{methods}",
        ports={
            "body": "The body: JSON, the fields of a form, or text.",
            "headers": "The headers, by their names in lower case; secret ones are left out.",
            "query": "What stands behind the ? of the address.",
            "method": "The method, such as POST.",
        },
        aliases_en=("trigger", "http", "callback", "request", "github", "stripe", "event"),
        aliases_zh=("触发", "回调", "网络钩子", "请求", "事件"),
        pure=False,
        deterministic=False,
        zh=Zh(
            title="网络回调",
            summary="有请求发到专用地址时启动流程。",
            subtitle="{methods}",
            settings={
                "methods": ("方法", "接受的请求方法，其他方法会被拒绝。"),
                "answer": (
                    "回应",
                    "立即：马上回应 202 和运行编号；结果：等流程给出结果后再回应。",
                ),
                "wait_s": ("等待秒数", "调用方等待结果的时间，超过后同样回应 202。"),
                "signature": (
                    "签名",
                    "请求如何证明来源：HMAC 是请求头中正文的 HMAC-SHA256；"
                    "github、stripe 和 standard（standardwebhooks.com）是这些服务的格式。",
                ),
                "signature_header": ("签名请求头", "存放签名的请求头；仅用于 hmac。"),
                "signature_prefix": ("签名前缀", "签名前面的文字，例如 sha256=；仅用于 hmac。"),
                "tolerance_s": (
                    "时间容差",
                    "签名中的时间最多可以早多少秒；用于 stripe 和 standard。",
                ),
                "delivery_header": (
                    "投递编号请求头",
                    "存放投递编号的请求头，重复的投递不会再次运行；"
                    "留空时用 Idempotency-Key 或签名服务自己的请求头。",
                ),
                "limit_kb": ("正文上限", "接受的最大正文，单位 KB。"),
                "per_minute": ("每分钟上限", "每分钟最多接受多少个请求。"),
                "overlap": OVERLAP_ZH,
                "sample": ("示例正文", SAMPLE_ZH),
            },
            ports={
                "body": ("正文", "请求正文：JSON、表单字段或文本。"),
                "headers": ("请求头", "请求头，名称为小写；机密的已去掉。"),
                "query": ("查询参数", "地址中 ? 后面的参数。"),
                "method": ("方法", "请求方法，例如 POST。"),
            },
        ),
    )

    def process(self, ctx: NodeContext | None = None) -> WebhookRequest:
        """Give the request."""
        event: Any = event_of(ctx)
        if event is SKIP:
            return WebhookRequest(SKIP, SKIP, SKIP, SKIP)
        if event is None:
            if self.sample is None:
                raise no_event("request")
            return WebhookRequest(self.sample, {}, {}, self.methods[0])
        return WebhookRequest(
            event.get("body"),
            dict(event.get("headers") or {}),
            dict(event.get("query") or {}),
            str(event.get("method") or ""),
        )
