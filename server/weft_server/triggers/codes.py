"""The codes of triggers: of answers, and of why an event started no run."""

from weft_server.errors import register

register(
    {
        "trigger.none": "The flow has no trigger nodes, so there is nothing to arm.",
        "trigger.not_found": "The flow has no such trigger.",
        "trigger.not_armed": "The flow is not armed.",
        "trigger.not_webhook": "Only a webhook has an address and a secret.",
        "trigger.unknown_flow": "The flow whose end is waited for is not in this workspace.",
        "trigger.own_end": "A flow cannot be started by its own end.",
        "trigger.bad_secret": "The secret cannot be used.",
        "trigger.no_live_run": "The flow is a stream, and there is no live run that takes events.",
        "trigger.gone": "The trigger is no longer in the armed flow.",
        "trigger.overlap": "The run of the event before was still going on.",
        "trigger.missed": "The server was down at that time.",
        "trigger.chain_too_long": "Too many flows started one another.",
        "trigger.too_many_files": "The pattern of a file watch fits too many files.",
        "trigger.cannot_watch": "The folder cannot be watched.",
        "event.not_found": "There is no such event.",
        "event.no_payload": "The event has nothing to be done again with.",
        "queue.full": "Too many messages wait on the queue.",
        "queue.bad_name": "A queue cannot have this name.",
        "hook.not_found": "There is no webhook at this address.",
        "hook.method": "The webhook does not take this method.",
        "hook.too_large": "The body is larger than the webhook takes.",
        "hook.too_many": "The webhook is called too often.",
        "hook.unsigned": "The request has no signature, or none of the expected form.",
        "hook.bad_signature": "The signature does not match.",
        "hook.stale": "The time in the signature is too long ago, or yet to come.",
        "hook.no_secret": "The webhook asks for a signature, but has no secret yet.",
        "hook.bad_body": "The body is not what its Content-Type says.",
        "hook.run_failed": "The run that the request started has failed.",
        "hook.not_run": "The request was stored, but started no run.",
    }
)
