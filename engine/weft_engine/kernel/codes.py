"""The error codes of streaming jobs."""

from typing import Final

from weft_engine.errors import register_codes

CODES: Final = {
    # Checkpoints
    "checkpoint.corrupt": "A checkpoint is damaged: something of it is missing or has changed.",
    "checkpoint.failed": "A checkpoint could not be made.",
    "checkpoint.format": "A checkpoint was written in a format that this version does not know.",
    "checkpoint.in_use": "Another job is using the same checkpoints.",
    "checkpoint.key_groups": "The checkpoint divides keys into another number of groups.",
    "checkpoint.kind_changed": "The checkpoint's state belongs to an operator of another kind.",
    "checkpoint.missing": "There is no checkpoint to start from.",
    "checkpoint.no_storage": "The job has no place to keep checkpoints in.",
    "checkpoint.state_lost": "The checkpoint has state of an operator that the job does not have.",
    "checkpoint.storage_failed": "A checkpoint could not be written or read.",
    "checkpoint.storage_full": "There is no space left for checkpoints.",
    "checkpoint.timeout": "A checkpoint took longer than it may.",
    "savepoint.exists": "There is already something where the savepoint is to be written.",
    "savepoint.failed": "The savepoint could not be made.",
    # Workers
    "kernel.frame_malformed": "Two processes of a job do not understand each other.",
    "kernel.handshake_failed": "A process could not prove that it belongs to a job.",
    "kernel.no_workers": "There are no workers to run the job on.",
    "kernel.peer_unreachable": "A worker cannot reach another one.",
    "kernel.ray_unreachable": "The Ray cluster cannot be reached.",
    "kernel.ray_version": "The Ray cluster runs another version of Ray or Python.",
    "kernel.record_too_big": "A record is too big to be sent to another process.",
    "kernel.unpicklable": "Something that must go to another process cannot be sent there.",
    "kernel.worker_import": "A worker cannot load something that the job needs.",
    "kernel.unstable_key": "A key's hash would differ from process to process.",
    # State
    "state.incompatible": "The checkpoint holds state of another kind under the same name.",
    "state.unpicklable": "A value in the state cannot be written into a checkpoint.",
    "state.disk_failed": "The state could not be read from or written to the disk.",
    # Services
    "service.unknown": "No service of that name is registered.",
    "service.unknown_method": "The service has no method of that name.",
    "service.start_failed": "A service could not be started.",
    "service.timeout": "A service took longer to answer than it may.",
    "service.failed": "A call of a service failed.",
    "service.closed": "The service no longer takes requests.",
    "service.busy": "The service has as many requests waiting as it may.",
    "service.dropped": "The request was given up for newer ones, because too many were waiting.",
    # Jobs
    "job.cancelled": "The job was cancelled.",
    "job.failed": "The job has failed.",
    "job.not_running": "The job is not running.",
    "job.worker_lost": "A worker of the job is gone.",
    "sink.commit_failed": "A sink could not make visible what was written to it.",
    # Operators
    "iterate.too_many_rounds": "Records go round a loop more often than they may.",
    "checkpoint.cannot_divide": "An operator cannot go on as another number of subtasks.",
    "checkpoint.unsupported": "An operator cannot be part of a checkpoint.",
    "kernel.unknown_kind": "The program uses an operator that is not installed.",
    "call.cancelled": "A function that waits for something has cancelled itself.",
    "state.no_key": "A keyed state was used where there is no key.",
    "state.kind_changed": "A state is used as two different kinds.",
    "function.unknown_side": "A function emits to a side output that its operator does not have.",
    "timer.no_times": "A timer is set for event time on a stream that has no event times.",
    "timer.endless": "Timers set others on and on after the input has ended.",
    "time.not_a_time": "The time of a record is neither a number nor a moment with a time zone.",
    # Programs
    "program.invalid": "A streaming program is put together in a way that cannot work.",
    "program.not_submitted": "The program has ended without submitting a job.",
    "program.nothing_to_run": "The program has no sink, so that there is nothing to run.",
    "source.queue_full": "A queue that a stream is read from is full.",
    "source.log_pruned": "The log of a source no longer has the records to start again from.",
    "source.log_failed": "The log of a source cannot be written or read.",
    "source.no_file": "There is no file to read a stream from.",
    "source.split_gone": "A part of a source is gone that was not read to its end.",
    "source.malformed": "A file that a stream is read from is not as its format says.",
    "sink.write_failed": "A sink could not write what it was given.",
    "config.unknown_key": "The configuration has a key that means nothing.",
    "config.bad_value": "A value of the configuration is not one that is allowed.",
}

register_codes(CODES)
