"""What backends with workers in other processes have in common."""

from collections.abc import Callable, Mapping

from weft_engine.kernel.backends.deployment import WorkerDeployment
from weft_engine.kernel.backends.link import WorkerLink
from weft_engine.kernel.backends.packing import pack
from weft_engine.kernel.backends.placement import deal, label_of
from weft_engine.kernel.backends.pool import Pool
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import Report, Restore


class ClusterBackend:
    """Deals subtasks to the workers of one or several pools. A `Backend`."""

    stepping = False

    def __init__(
        self,
        name: str,
        pools: Mapping[str, Pool],
        *,
        workers: int | Mapping[str, int | None] | None = None,
        label: str = "",
    ) -> None:
        """Make the backend.

        Args:
            name: What it is called.
            pools: Its workers by placement label.
            workers: How many of each a job gets; `Settings.workers` when None.
            label: Where stages without a placement go.
        """
        self.name = name
        self.pools = dict(pools)
        """Its workers by label."""
        self.workers = workers
        """How many of each a job gets."""
        self._label = label

    def deploy(
        self,
        spec: JobSpec,
        restore: Mapping[tuple[int, int], Restore],
        attempt: int,
        report: Callable[[Report], None],
    ) -> WorkerDeployment:
        """Start all subtasks; `restore` is by stage and subtask. Reports come from any thread.

        Raises:
            ResourceError: `kernel.no_workers`, when there are none to be had.
            FlowError: `kernel.unpicklable` or `kernel.worker_import`.
        """
        packed = pack(spec)
        taken: dict[str, list[WorkerLink]] = {}
        try:
            for label, count in self._wanted(spec).items():
                taken[label] = self.pools[label].acquire(count)
        except BaseException:
            self._release(taken)
            raise
        names = {label: [link.name for link in links] for label, links in taken.items()}
        try:
            placed = deal(spec.plan, names, self._label)
        except BaseException:
            self._release(taken)
            raise
        deployment = WorkerDeployment(
            [(self.pools[label], link) for label, links in taken.items() for link in links],
            attempt,
            report,
        )
        try:
            deployment.start(packed, placed, restore)
        except BaseException:
            deployment.stop(0.0)
            raise
        return deployment

    def close(self) -> None:
        """Let go of workers."""
        for pool in self.pools.values():
            pool.close()

    def _wanted(self, spec: JobSpec) -> dict[str, int]:
        """How many workers of each label the job gets: no more than it has use for."""
        most: dict[str, int] = {}
        for stage in spec.plan.stages:
            label = label_of(stage, self._label)
            if label in self.pools:
                most[label] = max(most.get(label, 0), stage.parallelism)
        return {
            label: min(count, self._most(label, count, spec.settings.workers))
            for label, count in most.items()
        }

    def _most(self, label: str, count: int, wanted: int | None) -> int:
        workers = self.workers
        given = workers if isinstance(workers, int | None) else workers.get(label)
        return given or wanted or self.pools[label].capacity() or count

    def _release(self, taken: Mapping[str, list[WorkerLink]]) -> None:
        for label, links in taken.items():
            for link in links:
                self.pools[label].release(link, clean=True)
