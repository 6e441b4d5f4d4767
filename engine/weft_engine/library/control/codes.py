"""The codes of the errors that control-flow nodes raise."""

from weft_engine.errors import register_codes

register_codes(
    {
        "control.uneven": "The ways of a merge do not have the same number of records.",
        "control.missing_key": "A way of a merge has no record of a key that another has.",
        "control.several_of_key": "A way of a merge has several records of one key.",
        "control.limit_reached": "A loop has gone round as often as it may and was not done.",
        "control.bad_count": "A number of repetitions is not a whole number that is allowed.",
        "control.bad_time": "A time to wait for is not a date or a number of seconds.",
        "control.failed": "A Fail node ended this part of the flow.",
        "control.bad_argument": "A called flow cannot be given such arguments.",
        "control.not_a_list": "Something else arrived where a list was to be gone through.",
        "vars.unknown": "No variable of that name is set.",
    }
)
