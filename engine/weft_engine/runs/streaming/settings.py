"""How a live run is run, from what its flow says."""

from typing import Final

from weft_engine.flow.model import Checkpoint, Flow, Retry
from weft_engine.kernel.settings import Restart, Settings
from weft_engine.runs.run import RunRequest
from weft_engine.runs.streaming.places import Places

_PLENTY: Final = Retry(max_attempts=11, delay_s=1, backoff=2, max_delay_s=60)
_METRICS_S: Final = 0.5
_TOLERABLE: Final = 3


def settings_of(request: RunRequest, flow: Flow, places: Places) -> Settings:
    """The settings of the kernel for a live run."""
    checkpoint = flow.checkpoint or Checkpoint()
    return Settings(
        parallelism=request.parallelism or flow.parallelism or 1,
        checkpoint_interval_s=checkpoint.interval_s,
        checkpoint_keep=checkpoint.keep,
        checkpoint_dir=str(places.checkpoints),
        checkpoint_tolerable_failures=_TOLERABLE,
        restart=_restart(flow.restart or _PLENTY),
        metrics_interval_s=_METRICS_S,
    )


def _restart(retry: Retry) -> Restart:
    if retry.max_attempts <= 1:
        return Restart()
    return Restart(
        kind="exponential",
        attempts=retry.max_attempts - 1,
        delay_s=retry.delay_s,
        max_delay_s=max(retry.max_delay_s, retry.delay_s),
        backoff=retry.backoff,
    )
