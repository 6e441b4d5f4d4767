"""Drives a run: takes messages, starts what is ready, writes rows, tells events, waits."""

import threading
from collections.abc import Callable
from functools import partial
from queue import Empty
from typing import Any, Final, Literal

from weft_engine.errors import KernelError
from weft_engine.runs.debug import Command
from weft_engine.runs.engine.control import HALT, LetGo
from weft_engine.runs.engine.core import Core
from weft_engine.runs.engine.handover import HandedOver, watch
from weft_engine.runs.executors.threads import pool

_POLL_S: Final = 0.05
"""How soon a flag is noticed that was set without a message."""
NEAR_S: Final = 2.0
"""A run whose next moment is no further away waits for it; else it parks."""
REST_S: Final = 30.0
"""The same where it waits for the next attempt of a container: most delays are short."""

STAND_S: Final = 600.0
"""A run that has stood at a breakpoint for so long is left to the journal."""

_TOGETHER: Final = 256
"""How many rows are handed over at a time, at most, while units run one after the other."""
_OFTEN_S: Final = 0.005
"""How long a row lies at most until it is handed over, where nothing waits for it."""

Way = Literal["over", "parked"]
Held = tuple[Callable[..., None], Any, Any]


class RunLoop:
    """One run being driven, by one thread at a time."""

    def __init__(
        self,
        core: Core,
        *,
        stop: threading.Event,
        may_park: bool,
        step: Callable[[], bool] | None = None,
    ) -> None:
        self.core = core
        self.way: Way = "over"
        self._stop = stop
        self._polls = stop is not core.control.stopped
        self._may_park = may_park
        self._step = step
        """In tests: does the next thing that executors have to do; False when there is none."""
        self._groups = 0
        """Groups of rows on their way to the disk."""
        self._held: list[Held] = []
        """What waits for the last of them."""
        self._paused = False
        """Whether it was told that it stands still."""
        self._openings = 0
        """How often the gate had been opened then."""
        self._stood_long = False
        """It has stood still for so long that it is left to the journal."""
        self._driver = object()
        self._ended = threading.Event()
        self._error: BaseException | None = None

    def go(self) -> Way:
        """Drive it until it is over or parks.

        Raises:
            LetGo: it is to be left where it is.
            BaseException: a mistake of the engine; a journal that is lost.
        """
        core = self.core
        core.handover.flush = self._tell
        if self._step is None:
            core.handover.take_over = self._take_over
            watch.add(core.handover)
        try:
            self._drive(self._driver)
            self._ended.wait()
        finally:
            watch.remove(core.handover)
        if self._error is not None:
            raise self._error
        return self.way

    def _tell(self) -> None:
        """Let out what was said; called every few milliseconds by another thread."""
        self.core.story.tell_late()
        self.core.story.voice.flush()

    def _take_over(self, ticket: Any) -> None:
        """The thread that drove it is busy with a call: another goes on."""
        driver = self._driver = object()
        pool.run(partial(self._go_on, driver, ticket))

    def _go_on(self, driver: object, ticket: Any) -> None:
        try:
            self.core.parts.calls.adopt(ticket)
        except BaseException as error:  # noqa: BLE001 - raised where the run was begun
            self._error = error
            self._ended.set()
            return
        self._drive(driver)

    def _drive(self, driver: object) -> None:
        try:
            while self._turn():
                pass
        except HandedOver:
            return
        except BaseException as error:  # noqa: BLE001 - raised where the run was begun
            self._error = error
        if self._driver is driver:
            self._ended.set()

    def _turn(self) -> bool:
        core = self.core
        self._look()
        if self._paused and core.gate.openings != self._openings:
            self._resume()
        if core.timers:
            core.fire()
        if core.ready and not core.gate.closed:
            self._start_all()
        core.story.voice.flush()  # what is heard of before need not wait for the disk
        self._commit()
        core.story.voice.flush()
        if core.over:
            return False
        if core.ready and not core.gate.closed:
            return True
        return self._wait()

    def _start_all(self) -> None:
        core, box = self.core, self.core.control.box
        ready, gate = core.ready, core.gate
        recording, clock, due = core.recording, core.clock, 0.0
        while ready:
            if core.choose is not None:
                ready.rotate(-core.choose(len(ready)))
            scope, unit = ready.popleft()
            core.start(scope, unit)
            if not box.empty() or self._stop.is_set():
                self._look()
            if gate.closed or core.over:
                return
            if recording.rows:
                now = clock.monotonic()
                if not due:
                    due = now + _OFTEN_S
                elif now >= due or len(recording.rows) >= _TOGETHER:
                    self._commit()
                    core.story.voice.flush()
                    due = 0.0

    def _look(self) -> None:
        """Take what lies in the mailbox."""
        core, box = self.core, self.core.control.box
        if core.control.left.is_set():
            raise LetGo
        if self._stop.is_set():
            core.cancel()
        while not box.empty():
            self._take(box.get())

    def _take(self, message: tuple[Any, ...]) -> None:
        if self.core.control.left.is_set():
            raise LetGo
        if not message:
            if self._stop.is_set() or self.core.control.stopped.is_set():
                self.core.cancel()
        elif message[0] == HALT:
            self._stood_long = self._may_park  # the run that called it is left to the journal
        elif isinstance(message[0], Command):
            self.core.command(message[0])
        else:
            message[0](*message[1:])

    # Rows

    def _commit(self) -> None:
        """Hand over the rows of what has happened. Only what has effects waits for them."""
        core, recording = self.core, self.core.recording
        if core.control.left.is_set():
            raise LetGo  # what was stopped meanwhile has not ended
        if core.over:
            recording.commit(None, "end")  # the end of the run waits for them
        elif not recording.waits:
            recording.commit(None)
        elif recording.pending:
            self._held, core.held = core.held, []
            self._groups += 1
            busy = core.active or (core.ready and not core.gate.closed)
            then = partial(core.post, self._written, self._held, core.story.voice.seq)
            recording.commit(then, "soon" if busy else "here")
        elif core.held:
            held, core.held = core.held, []
            if self._groups:
                self._held += held
            else:
                self._go_on_with(held)
        if recording.journal is not None and recording.journal.lost():
            raise recording.journal.failure or KernelError("the journal of the run is lost")

    def _written(self, held: list[Held], upto: int) -> None:
        """A group is on disk, and so is everything before it."""
        core = self.core
        self._groups -= 1
        whole = not self._groups and not core.recording.pending
        core.story.voice.free(None if whole else upto)
        self._go_on_with(held)

    def _go_on_with(self, held: list[Held]) -> None:
        for fn, one, other in held:
            fn(one, other)

    # Waiting

    def _wait(self) -> bool:
        core, box = self.core, self.core.control.box
        if not core.active and not self._groups and box.empty() and self._rests():
            return False
        if self._step is not None and box.empty() and self._step():
            return True
        if self._stop.is_set() and not core.cancelling:
            return True  # it was set after this turn had looked
        limit = core.timers[0][0] - core.clock.monotonic() if core.timers else None
        if self._polls and not core.cancelling:
            limit = _POLL_S if limit is None else min(limit, _POLL_S)
        try:
            message = box.get(timeout=None if limit is None else max(limit, 0.0))
        except Empty:
            return True
        self._take(message)
        return True

    def _rests(self) -> bool:
        """Nothing is under way: say so, or see that the run need not stay in memory."""
        core, parts = self.core, self.core.parts
        if core.gate.rest():
            core.control.wake()
        elif core.gate.closed:
            if self._stood_long and core.parts.children.leave():
                self.way = "parked"
                return True
            self._pause()
        elif any((parts.waits.waiting, parts.moments.resting, parts.children.parked)):
            if not core.gate.stepping and self._parks():
                self.way = "parked"
                return True
        elif not core.timers:
            raise KernelError("A run has nothing to do and no end.")
        return False

    def _pause(self) -> None:
        core = self.core
        if self._paused:
            return
        self._paused, self._openings = True, core.gate.openings
        if self._may_park:
            core.after(STAND_S, self._stands_long, self._openings)
        waits = core.parts.waits.listed() + core.parts.moments.listed()
        data: dict[str, Any] = {"reason": core.gate.reason}
        core.story.voice.say("run_paused", None, data | ({"waits": waits} if waits else {}))
        core.story.voice.flush()

    def _stands_long(self, openings: int) -> None:
        """It need not stay in memory while nobody looks at it."""
        self._stood_long = self._paused and openings == self.core.gate.openings

    def _resume(self) -> None:
        self._paused = self._stood_long = False
        self.core.story.voice.say("run_resumed", None, {})

    def _parks(self) -> bool:
        """Whether nothing will happen for a while, so that the run need not stay in memory."""
        core = self.core
        if not self._may_park:
            return False
        parts, now = core.parts, core.clock.time()
        dues = (parts.waits.next_due(), parts.children.next_due())
        far = all(due is None or due - now > NEAR_S for due in dues)
        return far and not parts.moments.near(now + NEAR_S, now + REST_S)
