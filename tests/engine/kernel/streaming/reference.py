"""Naive counterparts of the operators, which look at all records at once, and random streams."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

from weft_engine.kernel.batch import MAX_TIME, MIN_TIME
from weft_engine.kernel.windows import Session, Sliding, Tumbling, Window


@dataclass
class Step:
    """Something that happens to an operator."""

    kind: str  # "batch", "watermark" or "crash"
    records: list = field(default_factory=list)  # (port, key, time, value)
    time: int = 0


times = st.integers(-30, 60)
records = st.tuples(st.integers(0, 1), st.integers(0, 2), times, st.integers(0, 99))
steps = st.lists(
    st.one_of(
        st.lists(records, min_size=1, max_size=8).map(lambda found: Step("batch", found)),
        times.map(lambda time: Step("watermark", time=time)),
        st.just(Step("crash")),
    ),
    max_size=12,
)


def drive(harness, story, *, ports=1):
    """Lead a story through an operator; results with times, and what was late."""
    out, late = [], []

    def gather():
        out.extend(harness.timed_output())
        if harness.spec.outputs > 1:
            late.extend(harness.side("late"))

    reached = MIN_TIME
    for step in story:
        if step.kind == "batch":
            for port in range(ports):
                mine = [r for r in step.records if ports == 1 or r[0] == port]
                harness.push(
                    [(key, time, value) for _, key, time, value in mine],
                    times=[time for _, _, time, _ in mine],
                    port=port,
                )
        elif step.kind == "watermark":
            reached = max(reached, step.time)
            harness.watermark(reached)
        else:
            gather()
            write = harness.begin_snapshot()
            harness.push([(key, 0, 0) for key in range(3)], times=[0] * 3)
            harness.watermark(MAX_TIME)  # what happens after the snapshot is forgotten
            harness, before = harness.restored(write()), harness
            before.close()
    harness.end()
    gather()
    harness.close()
    return out, late


def one_by_one(story, ports=1):
    """The records of a story with the watermark that each of them meets, and the watermarks."""
    reached = MIN_TIME
    for step in story:
        if step.kind == "watermark":
            reached = max(reached, step.time)
            yield ("watermark", reached)
        elif step.kind == "batch":
            for port in range(ports):
                for record in step.records:
                    if ports == 1 or record[0] == port:
                        yield ("record", record)
    yield ("watermark", MAX_TIME)


def windows_of(assigner, time):
    """The windows of a record, by trying all around it."""
    slide = assigner.slide if isinstance(assigner, Sliding) else assigner.size
    nearest = (time - assigner.offset) // slide
    around = range(nearest - assigner.size // slide - 2, nearest + 2)
    starts = [number * slide + assigner.offset for number in around]
    return [
        Window(start, start + assigner.size)
        for start in starts
        if start <= time < start + assigner.size
    ]


def fixed_windows(assigner, story, lateness, *, ports=1):
    """Every firing of tumbling or sliding windows: key, window, its records; and late records."""
    assert isinstance(assigner, Tumbling | Sliding)
    held, fired, late, reached = {}, [], [], MIN_TIME
    for kind, what in one_by_one(story, ports):
        if kind == "watermark":
            for key, window in sorted(held, key=lambda mark: mark[1].end):
                if reached < window.end - 1 <= what:
                    fired.append((key, window, list(held[key, window])))
            reached = what
            continue
        port, key, time, value = what
        windows = windows_of(assigner, time)
        live = [window for window in windows if window.end - 1 + lateness > reached]
        if windows and not live:
            late.append((key, time, value))
        for window in live:
            held.setdefault((key, window), []).append((port, key, time, value))
        over = [window for window in live if window.end - 1 <= reached]
        fired.extend((key, window, list(held[key, window])) for window in over)
    return fired, late


def sessions(assigner, story, lateness):
    """Every firing of session windows: key, window, records; and late records."""
    assert isinstance(assigner, Session)
    held, fired, late, reached = {}, [], [], MIN_TIME
    for kind, what in one_by_one(story):
        if kind == "watermark":
            for key in held:
                for window, members in held[key]:
                    if reached < window.end - 1 <= what:
                        fired.append((key, window, list(members)))
            reached = what
            for key in held:
                held[key] = [each for each in held[key] if each[0].end - 1 + lateness > what]
            continue
        _, key, time, value = what
        touching, rest = [], []
        for window, members in held.get(key, []):
            apart = window.start > time + assigner.gap or window.end < time
            (rest if apart else touching).append((window, members))
        start = min([time, *(window.start for window, _ in touching)])
        end = max([time + assigner.gap, *(window.end for window, _ in touching)])
        if end - 1 + lateness <= reached:
            late.append((key, time, value))
            continue
        members = [member for _, members in touching for member in members]
        merged = (Window(start, end), [*members, (0, key, time, value)])
        held[key] = [*rest, merged]
        if end - 1 <= reached:
            fired.append((key, merged[0], list(merged[1])))
    return fired, late
