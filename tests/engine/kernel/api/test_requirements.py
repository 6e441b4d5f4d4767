"""The programs of the requirements, as they are written there but for the import line."""

from typing import Any

import pytest

from weft_engine.kernel import (
    BaseFunction,
    DataStream,
    FilterFunction,
    FunctionContext,
    LocalEnvironment,
    MapFunction,
    Sink,
    Source,
    overrides,
)

BACKENDS = ["inline", "threads"]


@pytest.fixture(params=BACKENDS, autouse=True)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("WEFT_KERNEL_ENV", request.param)
    name: str = request.param
    return name


def test_first_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    env = LocalEnvironment("hello-sage")

    (env
     .from_collection(["Hello", "World", "SAGE"])
     .map(lambda x: f"Processed: {x}")
     .print()
    )  # fmt: skip

    env.submit()
    assert capsys.readouterr().out == "Processed: Hello\nProcessed: World\nProcessed: SAGE\n"


def test_quick_start(capsys: pytest.CaptureFixture[str]) -> None:
    # 创建本地环境
    env = LocalEnvironment("my_app")

    # 创建数据流管道
    stream = env.from_batch([1, 2, 3, 4, 5])
    result = stream.map(lambda x: x * 2).sink(print)

    # 提交执行
    env.submit()
    assert capsys.readouterr().out == "2\n4\n6\n8\n10\n"
    assert result.vertex.kind == "for_each"


class Lines:
    """A topic in memory; deliberately no subclass of anything."""

    def __init__(self, records: list[Any]) -> None:
        self.records = records
        self.at = 0

    def read(self, limit: int) -> list[Any] | None:
        if self.at == len(self.records):
            return None
        part = self.records[self.at : self.at + limit]
        self.at += len(part)
        return part

    def position(self) -> int:
        return self.at

    def close(self) -> None:
        pass


TOPICS: dict[str, list[Any]] = {}


class KafkaSource(Source[str]):
    def __init__(self, topic: str) -> None:
        self.topic = topic

    def reader(self, split: Any, position: Any, context: Any) -> Lines:
        lines = Lines(TOPICS[self.topic])
        lines.at = position or 0
        return lines


class KafkaSink(Sink[Any]):
    def __init__(self, topic: str) -> None:
        self.topic = topic

    def writer(self, subtask: int, parallelism: int, attempt: str) -> "KafkaSink":
        return self

    def write(self, values: Any, /) -> None:
        TOPICS.setdefault(self.topic, []).extend(values)

    def prepare(self, checkpoint: int) -> None:
        return None

    def close(self) -> None:
        pass


class InputParser(MapFunction[str, dict[str, Any]]):
    def process(self, value: str) -> dict[str, Any]:
        session, _, text = value.partition(":")
        return {"session_id": session, "text": text}


class QualityFilter(FilterFunction[dict[str, Any]]):
    def process(self, value: dict[str, Any]) -> bool:
        return bool(value["text"])


class EmbeddingGenerator(MapFunction[Any, Any]):
    def process(self, value: Any) -> Any:
        return {**value, "embedding": [float(len(value["text"]))]}


class ContextRetriever(MapFunction[Any, Any]):
    def process(self, value: Any) -> Any:
        return {**value, "context": value["embedding"][0] > 3}


class LLMInference(BaseFunction):
    """Counts the records of its session, which it can only if they all come to it, in order."""

    def open(self, context: FunctionContext) -> None:
        self.seen: dict[str, int] = {}

    def process(self, value: Any) -> Any:
        turn = self.seen[value["session_id"]] = self.seen.get(value["session_id"], 0) + 1
        return {**value, "turn": turn}


class OutputFormatter(MapFunction[Any, str]):
    def process(self, value: Any) -> str:
        return f"{value['session_id']}#{value['turn']} {value['text']} {value['context']}"


def test_optimized_pipeline() -> None:
    TOPICS.clear()
    TOPICS["input-topic"] = [f"s{n % 7}:{'x' * (n % 5)}" for n in range(100)]

    def create_optimized_pipeline() -> Any:
        # 初始化环境
        env = LocalEnvironment(
            name="llm-inference-pipeline",
            config={
                "parallelism": 8,
                "buffer.timeout": 100,
                "object.reuse": True
            }
        )  # fmt: skip

        # 构建数据处理流水线
        pipeline = (env
            .from_source(KafkaSource("input-topic"))
            .map(InputParser(), name="input-parser")
            .filter(QualityFilter(), name="quality-filter")
            .key_by(lambda x: x["session_id"])
            .map(EmbeddingGenerator(), name="embedding-generator")
            .map(ContextRetriever(), name="context-retriever")
            .map(LLMInference(), name="llm-inference")
            .map(OutputFormatter(), name="output-formatter")
            .sink(KafkaSink("output-topic"))
        )  # fmt: skip

        return env, pipeline

    env, pipeline = create_optimized_pipeline()
    env.submit(pipeline)

    wanted: dict[str, list[str]] = {}
    for line in TOPICS["input-topic"]:
        session, text = line.split(":")
        if text:
            wanted.setdefault(session, []).append(text)
    got = [line.replace("#", " ").split() for line in TOPICS["output-topic"]]
    for session, texts in wanted.items():
        mine = [record for record in got if record[0] == session]
        assert [int(turn) for _, turn, _, _ in mine] == list(range(1, len(texts) + 1))
        assert sorted(text for _, _, text, _ in mine) == sorted(texts)
        assert all(context == str(len(text) > 3) for _, _, text, context in mine)
    assert len(got) == sum(map(len, wanted.values()))


class Model:
    released = 0

    def predict(self, value: Any) -> Any:
        return value + 1

    def release(self) -> None:
        Model.released += 1


def load_model(path: str) -> Model:
    assert path == "model.bin"
    return Model()


class CustomProcessingFunction(BaseFunction):
    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.model: Any = None

    def open(self, context: FunctionContext) -> None:
        # 初始化资源
        self.model = load_model(self.config["model_path"])

    def process(self, value: Any) -> Any:
        # 处理逻辑
        result = self.model.predict(value)
        return {"input": value, "output": result}

    def close(self) -> None:
        # 清理资源
        self.model.release()


def test_function_with_a_life() -> None:
    Model.released = 0
    env = LocalEnvironment(config={"parallelism": 2})
    stream: DataStream[Any] = env.from_batch([1, 2, 3]).map(
        CustomProcessingFunction({"model_path": "model.bin"})
    )
    got = stream.execute_and_collect()
    assert sorted(record["output"] for record in got) == [2, 3, 4]
    assert Model.released == 2


HIGH_PERF = {
    "execution": {
        "parallelism": 16,
        "buffer.timeout": 50,
        "object.reuse": True
    },
    "state": {
        "backend": "rocksdb",
        "checkpoint.interval": "30s",
        "incremental": True
    },
    "resources": {
        "taskmanager.memory.process.size": "4gb",
        "taskmanager.cpu.cores": "4"
    }
}  # fmt: skip

FAULT_TOLERANCE = {
    "restart.strategy": "exponential-delay",
    "restart.attempts": 10,
    "restart.delay": "10s",
    "restart.max_delay": "5m",
    "checkpointing": "exactly_once",
    "checkpoint.timeout": "5m"
}  # fmt: skip


@pytest.mark.parametrize("config", [HIGH_PERF, FAULT_TOLERANCE])
def test_configurations(config: dict[str, Any]) -> None:
    env = LocalEnvironment("configured", config=config)
    totals = env.from_batch(range(1000)).key_by(lambda n: n % 10).aggregate(int, int.__add__)
    assert dict(totals.execute_and_collect()) == {
        key: sum(range(key, 1000, 10)) for key in range(10)
    }


def test_debug_configuration() -> None:
    env = LocalEnvironment()
    env.configure_debug(
        enable_tracing=True,
        metrics_interval="10s",
        log_level="DEBUG"
    )  # fmt: skip
    settings = env.settings
    assert (settings.tracing, settings.metrics_interval_s, settings.log_level) == (
        True,
        10.0,
        "DEBUG",
    )


class ModelService:
    """A client like the ones of the requirements: its methods are used as functions."""

    def __init__(self, endpoint: str, timeout: int, retry_policy: dict[str, int]) -> None:
        self.endpoint = endpoint

    def embedding(self, value: str) -> tuple[str, int]:
        return (value, len(value))


def test_methods_of_services() -> None:
    model_service = ModelService(
        endpoint="localhost:8080",
        timeout=30000,
        retry_policy={"max_attempts": 3},
    )
    env = LocalEnvironment()
    seen: list[Any] = []
    pipeline = (env
        .from_source(lambda: ["a", "bb"])
        .map(model_service.embedding)
        .sink(seen.append)
    )  # fmt: skip
    env.submit(pipeline)
    assert seen == [("a", 1), ("bb", 2)]


def test_run_with_parallelism_from_outside() -> None:
    env = LocalEnvironment()
    subtasks: set[int] = set()

    class Which(MapFunction[int, int]):
        def open(self, context: FunctionContext) -> None:
            subtasks.add(context.subtask)

        def process(self, value: int) -> int:
            return value

    env.from_batch(range(10)).map(Which).sink(_nothing)
    with overrides(parallelism=3):
        env.submit()
    assert subtasks == {0, 1, 2}


def _nothing(record: Any) -> None:
    pass
