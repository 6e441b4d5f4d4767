"""The codes of the errors of live runs."""

from weft_engine.errors import register_codes

register_codes(
    {
        "run.not_for_streams": "A run was asked for with something that a live one does not have.",
        "stream.partial": "A live run is of a whole flow, and a part of it was asked for.",
        "stream.state_dropped": "A changed flow lacks nodes whose state a live run has kept.",
        "stream.not_alive": "The live run that is to be taken over from is not there.",
        "stream.command": "A live run cannot do what it was told.",
        "stream.damaged": "What a live run needs to go on cannot be read.",
    }
)
