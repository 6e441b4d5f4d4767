"""Answers questions about a folder of texts, as a pipeline that other code can call.

    weft run examples/pipelines/chat_service.py -- examples/data/handbook
    weft run examples/pipelines/chat_service.py -- examples/data/handbook "How do I dry a tent?"

    requests -> memory loader -> intent router -> retrieval -> prompt builder -> generator
             -> memory saver -> answers, in parts

The generator writes nothing of its own: it quotes the sentences of its prompt, with where they are
from. To have a language model instead, send it the prompt in `generate`, and yield what it says as
it comes. Conversations are kept by a service of the job, in memory.
"""

import math
import re
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from weft_engine.kernel import (
    LocalEnvironment,
    MapFunction,
    PipelineService,
    answering_in_parts,
    passing,
)

COMMON_WORDS = """
a about and are as at be but by can do does for from had has have how i if in is it its me my not of
on or our should so that the their them then there they this to was we what when where which who why
will with would you your
"""
COMMON = {*re.findall(r"\w+", COMMON_WORDS)}
GREETINGS = {"hello", "hi", "hey", "thanks", "thank", "bye"}
DEMO = ["Hello!", "Where can I use a gas stove?", "And in a tent?", "What do you know about?"]


def words(text):
    """Words to search by; a plural is taken for its singular."""
    found = re.findall(r"[^\W\d_]+", text.lower())
    return [w[:-1] if w.endswith("s") and len(w) > 3 else w for w in found if w not in COMMON]


@dataclass(frozen=True)
class Turn:
    """What is known of a question so far; every operator adds something."""

    session: str
    question: str
    history: tuple = ()
    intent: str = ""
    found: tuple = ()
    prompt: dict = field(default_factory=dict)


class Memory:
    """Conversations, while the job runs: the last questions and answers of every session."""

    def __init__(self, keep=10):
        self.keep = keep
        self.sessions = {}

    def load(self, session):
        return self.sessions.get(session, ())

    def save(self, session, question, answer):
        self.sessions[session] = (*self.load(session), (question, answer))[-self.keep :]


class Library:
    """The sentences of a folder of texts, and which of them fit a question best."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def open(self):
        self.titles, self.sentences = [], []
        for path in sorted(self.folder.glob("*.md")):
            title, heading = path.stem, ""
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.startswith("# "):
                    title = heading = line[2:]
                    self.titles.append(title)
                elif line.startswith("#"):
                    heading = line.lstrip("# ")
                else:
                    parts = re.split(r"(?<=[.!?。])\s+", line.strip())
                    about = words(f"{title} {heading}")
                    self.sentences += [(title, s, {*words(s), *about}) for s in parts if s]
        self.spread = Counter(word for _, _, known in self.sentences for word in known)

    def topics(self):
        return self.titles

    def search(self, text, count=3):
        """Pairs of a title and a sentence; the rarer the words they share with it, the better."""
        wanted, total = {*words(text)}, len(self.sentences)
        scored = [
            (sum(math.log(1 + total / self.spread[word]) for word in wanted & known), title, said)
            for title, said, known in self.sentences
        ]
        scored.sort(key=lambda one: -one[0])
        least = scored[0][0] / 2 if scored else 0
        return tuple((title, said) for score, title, said in scored[:count] if score > least)


class MemoryLoader(MapFunction):
    def process(self, request):
        return passing(self.load)(request)

    def load(self, turn):
        return replace(turn, history=self.context.call_service("memory", "load", turn.session))


def find_intent(turn):
    asked = re.findall(r"\w+", turn.question.lower())
    if not asked:
        raise ValueError("the question is empty")
    if asked[0] in GREETINGS:
        return replace(turn, intent="greeting")
    wanted = {*words(turn.question)}
    if wanted and wanted <= {"know", "topic"}:
        return replace(turn, intent="topics")
    follows = turn.history and (asked[0] == "and" or not wanted)
    return replace(turn, intent="follow-up" if follows else "question")


class Retrieval(MapFunction):
    def process(self, request):
        return passing(self.find)(request)

    def find(self, turn):
        if turn.intent == "greeting":
            return turn
        if turn.intent == "topics":
            topics = self.context.call_service("library", "topics")
            return replace(turn, found=tuple(("contents", topic) for topic in topics))
        before = turn.history[-1][0] if turn.intent == "follow-up" else ""
        text = f"{before} {turn.question}"
        return replace(turn, found=self.context.call_service("library", "search", text))


def build_prompt(turn):
    task = {
        "greeting": "Greet, and say what you are for.",
        "topics": "Name what the texts are about.",
    }
    prompt = {
        "task": task.get(turn.intent, "Answer from the context, and say where it is from."),
        "context": turn.found,
        "history": turn.history,
        "question": turn.question,
    }
    return replace(turn, prompt=prompt)


def generate(turn):
    """Yields the answer in parts; what it returns is the whole of it."""
    said = []
    for title, sentence in turn.prompt["context"]:
        said.append(sentence if title == "contents" else f"{sentence} [{title}]")
        yield said[-1]
    if not said:
        greeting = "Hello. Ask me about these texts."
        said.append(greeting if turn.intent == "greeting" else "The texts say nothing about that.")
        yield said[-1]
    return {"intent": turn.intent, "question": turn.question, "answer": "\n".join(said)}


class MemorySaver(MapFunction):
    """Lets answers by; whole ones are remembered before the caller has them."""

    def process(self, answer):
        if answer.part is None and answer.failure is None:
            told = answer.value
            self.context.call_service(
                "memory", "save", answer.session, told["question"], told["answer"]
            )
        return answer


def build(env, service, folder):
    """Requests are `Turn`s. Those of one session go the same way, one after the other."""
    env.register_service("memory", Memory)
    env.register_service("library", Library, folder)
    (
        env.from_source(service.source(), name="requests")
        .key_by(lambda request: request.session)
        .map(MemoryLoader, name="memory loader")
        .map(passing(find_intent), name="intent router")
        .map(Retrieval, name="retrieval")
        .map(passing(build_prompt), name="prompt builder")
        .flat_map(answering_in_parts(generate), name="generator")
        .map(MemorySaver, name="memory saver")
        .sink(service.sink(), name="answers")
    )


def main(folder="examples/data/handbook", *questions):
    service = PipelineService("chat", timeout_s=60)
    env = LocalEnvironment("chat")
    build(env, service, folder)
    job = env.submit(wait=False)
    try:
        for question in questions or DEMO:
            print(">", question)
            for part in service.stream(Turn("you", question), session="you"):
                print(part, flush=True)
    finally:
        service.close()
        job.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
