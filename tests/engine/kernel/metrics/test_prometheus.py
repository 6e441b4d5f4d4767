"""The text that Prometheus reads."""

import re
import urllib.error
import urllib.request
from collections import defaultdict

import pytest

from weft_engine.kernel import LocalEnvironment
from weft_engine.kernel.metrics.endpoint import Endpoint
from weft_engine.kernel.metrics.prometheus import CONTENT_TYPE, exposition

LINE = re.compile(r'([a-zA-Z_:][\w:]*)\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"')
UNESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
NAME = 'odd "name"\\with\nall of it'


@pytest.fixture(scope="module")
def metrics() -> dict[str, object]:
    env = LocalEnvironment(NAME, {"parallelism": 2, "checkpoint.interval": "1h"})
    env.from_collection(range(1000)).map(lambda x: x, name="same").key_by(abs).count().collect()
    return env.submit().metrics().as_dict()


Samples = dict[str, list[tuple[dict[str, str], float]]]


def parse(text: str) -> tuple[dict[str, str], Samples]:
    """By the grammar of the format: the kinds of metrics, and all samples."""
    assert text.endswith("\n")
    kinds: dict[str, str] = {}
    samples: Samples = defaultdict(list)
    helped = set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in helped
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name in helped
            assert name not in kinds
            kinds[name] = kind
        else:
            match = LINE.fullmatch(line)
            assert match, line
            family = re.sub(r"_(bucket|sum|count)$", "", match[1])
            assert match[1] in kinds or kinds[family] == "histogram"
            labels = {
                name: re.sub(r"\\.", lambda found: UNESCAPED[found[0]], value)
                for name, value in LABEL.findall(match[2])
            }
            samples[match[1]].append((labels, float(match[3])))
    return kinds, samples


def test_it_can_be_read_again(metrics: dict[str, object]) -> None:
    kinds, samples = parse(exposition([metrics]))
    assert all(name.endswith("_total") for name, kind in kinds.items() if kind == "counter")
    read = {labels["operator"]: value for labels, value in samples["weft_records_in_total"]}
    assert read["same"] == 1000
    assert {labels["job"] for labels, _ in samples["weft_records_in_total"]} == {NAME}
    assert samples["weft_checkpoints_total"][0][1] == 1
    assert samples["weft_job_state"][0][0]["state"] == "finished"


def test_histograms_are_cumulative(metrics: dict[str, object]) -> None:
    kinds, samples = parse(exposition([metrics]))
    assert kinds["weft_batch_seconds"] == "histogram"
    by_stage: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for labels, value in samples["weft_batch_seconds_bucket"]:
        by_stage[labels["stage"]].append((float(labels["le"]), value))
    counts = {labels["stage"]: value for labels, value in samples["weft_batch_seconds_count"]}
    assert set(by_stage) == set(counts)
    for stage, buckets in by_stage.items():
        assert [le for le, _ in buckets] == sorted(le for le, _ in buckets)
        assert [count for _, count in buckets] == sorted(count for _, count in buckets)
        assert buckets[-1] == (float("inf"), counts[stage])


def test_families_of_several_jobs_stand_together(metrics: dict[str, object]) -> None:
    _, samples = parse(exposition([metrics, {**metrics, "id": "other"}]))
    assert [labels["job_id"] for labels, _ in samples["weft_memory_bytes"]][1] == "other"
    assert exposition([]) == ""


def test_the_endpoint() -> None:
    endpoint = Endpoint(0, lambda: "weft_up 1\n")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics") as answer:
            assert answer.headers["Content-Type"] == CONTENT_TYPE
            assert answer.read() == b"weft_up 1\n"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/other")
    finally:
        endpoint.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics")
