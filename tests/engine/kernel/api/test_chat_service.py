"""The example of a pipeline as a service: a conversation about a folder of texts."""

import runpy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from weft_engine.errors import ResourceError
from weft_engine.kernel import LocalEnvironment, PipelineService

EXAMPLES = Path(__file__).parents[4] / "examples"
HANDBOOK = EXAMPLES / "data" / "handbook"


class Chat:
    """The service, and its questions."""

    def __init__(self, service: PipelineService, program: dict[str, Any]) -> None:
        self.service = service
        self._turn = program["Turn"]

    def ask(self, session: str, question: str) -> tuple[list[str], dict[str, str]]:
        stream = self.service.stream(self._turn(session, question), session=session)
        return list(stream), stream.result


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / "pipelines" / "chat_service.py"))


@pytest.fixture
def chat(program: dict[str, Any]) -> Iterator[Chat]:
    service = PipelineService("chat", timeout_s=60)
    env = LocalEnvironment("chat", {"parallelism": 2})
    program["build"](env, service, HANDBOOK)
    job = env.submit(wait=False)
    yield Chat(service, program)
    service.close()
    job.wait(60)


def test_answers_are_quotations_and_say_where_they_are_from(chat: Chat) -> None:
    parts, answer = chat.ask("ann", "How soon must a wet tent dry?")
    assert answer["answer"] == "\n".join(parts)
    assert parts[0].startswith("A wet tent must dry within a day")
    for part in parts:
        sentence, _, title = part.rstrip("]").rpartition(" [")
        texts = (path.read_text(encoding="utf-8") for path in HANDBOOK.glob("*.md"))
        (text,) = (text for text in texts if sentence in text)
        assert text.startswith(f"# {title}\n")


def test_what_the_texts_do_not_say_is_not_made_up(chat: Chat) -> None:
    assert chat.ask("ann", "Who won in Uzbekistan?")[0] == ["The texts say nothing about that."]


def test_questions_are_routed(chat: Chat) -> None:
    intents = {"Hello!": "greeting", "What do you know?": "topics", "Is gas safe?": "question"}
    assert {question: chat.ask("ann", question)[1]["intent"] for question in intents} == intents
    assert "Stove safety" in chat.ask("ann", "What do you know about?")[0]


def test_a_follow_up_is_understood_by_what_its_own_session_was_about(chat: Chat) -> None:
    chat.ask("ann", "Where may I use a gas stove?")
    chat.ask("bob", "Who repairs zips?")
    parts, answer = chat.ask("ann", "And in a closed porch?")
    assert answer["intent"] == "follow-up"
    assert "[Stove safety]" in parts[0]
    assert "[Returns and repairs]" in chat.ask("bob", "And how?")[0][0]
    assert chat.ask("new", "And how?")[1]["intent"] == "question"


def test_who_asks_nothing_is_told_so_and_nobody_else(chat: Chat) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(chat.ask, f"s{n}", "Who repairs zips?") for n in range(20)]
        with pytest.raises(ResourceError, match="the question is empty"):
            chat.ask("ann", " ")
        answers = {call.result(60)[0][0] for call in asked}
    assert len(answers) == 1


def test_it_runs_as_a_program(program: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    program["main"](str(HANDBOOK), "Who repairs zips?", "And who pays?")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith(">")] == [
        "> Who repairs zips?",
        "> And who pays?",
    ]
    assert lines[1].endswith("[Returns and repairs]")
