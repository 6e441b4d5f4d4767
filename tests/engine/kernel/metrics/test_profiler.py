"""What the profiler says of programs whose slow part is known."""

import json
import time

import pytest

from weft_engine.kernel import JobFailedError, LocalEnvironment, PipelineProfiler
from weft_engine.kernel.profiler import Profile


def slow(record: int) -> int:
    time.sleep(0.002)
    return record


def cheap(record: int) -> int:
    return record + 1


def codes(profile: Profile) -> set[str]:
    return {suggestion.code for suggestion in profile.suggestions}


@pytest.mark.parametrize("backend", ["threads", "inline", "processes"])
def test_inside_a_chain(backend: str) -> None:
    env = LocalEnvironment("chain", backend=backend)
    stream = env.from_collection(range(300)).map(cheap, name="one").map(slow, name="two")
    pipeline = stream.map(cheap, name="three")
    pipeline.collect()
    stats = PipelineProfiler(env).analyze(pipeline.for_each(cheap))
    assert stats.complete
    assert stats.bottleneck == "two"
    shares = {each.name: each.share for each in stats.operators}
    assert shares["two"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)
    two = next(each for each in stats.operators if each.name == "two")
    assert (two.records_in, two.records_out) == (300, 300)
    assert two.per_record_us is not None
    assert two.per_record_us >= 2000
    assert stats.memory_usage > 2**20
    assert stats.throughput > 0


def test_between_stages() -> None:
    env = LocalEnvironment("stages", {"queue.records": 32, "batch.size": 16, "chaining": False})
    stream = env.from_collection(range(400)).map(cheap, name="before").map(slow, name="slow")
    stream.map(cheap, name="behind").collect()
    stats = PipelineProfiler(env).analyze()
    assert stats.bottleneck == "slow"
    stages = {stage.name: stage for stage in stats.metrics.stages}
    assert stages["before"].blocked_out > 0.2
    assert stages["behind"].blocked_in > 0.2
    assert {"raise_parallelism", "wait_elsewhere"} <= codes(stats)
    assert all(each.operator == stats.bottleneck_uid for each in stats.suggestions)


def test_what_does_not_end_is_stopped() -> None:
    env = LocalEnvironment("endless", {"batch.size": 16})
    env.from_source(lambda: iter(int, 1)).map(cheap, name="cheap").for_each(cheap)
    stats = PipelineProfiler(env).analyze(records=50, limit="60s")
    assert not stats.complete
    assert stats.metrics.records_in >= 50
    assert stats.seconds < 60


def test_it_is_data_and_a_table() -> None:
    env = LocalEnvironment("shown")
    env.from_collection([1, 0, 2]).map(lambda x: 1 // x, name="divide").on_error("skip").collect()
    stats = PipelineProfiler(env).analyze()
    found = json.loads(json.dumps(stats.as_dict()))
    assert found["bottleneck"] == stats.bottleneck
    (about,) = [each for each in found["suggestions"] if each["code"] == "failing_records"]
    assert about["params"] == {"errors": 1}
    text = str(stats)
    assert "divide" in text
    assert text.count("← bottleneck") == 1


def test_it_leaves_checkpoints_alone(tmp_path: pytest.TempPathFactory) -> None:
    env = LocalEnvironment("kept", {"checkpoint.dir": f"{tmp_path}/c", "status.dir": f"{tmp_path}"})
    env.from_collection(range(10)).collect()
    PipelineProfiler(env).analyze()
    assert list(tmp_path.iterdir()) == []  # type: ignore[attr-defined]


def test_what_fails_is_raised() -> None:
    env = LocalEnvironment("broken")
    env.from_collection([0]).map(lambda x: 1 // x).collect()
    with pytest.raises(JobFailedError, match="division"):
        PipelineProfiler(env).analyze()
