"""Examples on logs, documents, answers and services, with numbers worked out by other means."""

import json
import re
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar

import pytest

from tests.engine.examples.runs import DATA, only, run, table
from tests.engine.examples.services import serving


class TestErrorCounts:
    @pytest.fixture(scope="class")
    @classmethod
    def views(cls, root: Path) -> Any:
        return run("error_counts.yaml", root)

    @pytest.fixture(scope="class")
    @classmethod
    def requests(cls) -> list[tuple[datetime, str, int]]:
        found = []
        for line in (DATA / "access.log").read_text().splitlines():
            if line.startswith("--"):
                continue
            _, _, rest = line.partition("[")
            stamp, _, rest = rest.partition("] ")
            parts = rest.split('"')
            moment = datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z")
            found.append((moment, parts[1].split()[1].split("?")[0], int(parts[2].split()[0])))
        return found

    def test_by_the_hour(self, views: Any, requests: list[Any]) -> None:
        assert len(requests) == 7988
        hours = Counter(moment.strftime("%Y-%m-%dT%H:00") for moment, _, _ in requests)
        errors = Counter(
            moment.strftime("%Y-%m-%dT%H:00") for moment, _, status in requests if status >= 500
        )
        expected = [
            {"hour": hour, "requests": hours[hour], "errors": errors[hour]}
            for hour in sorted(hours)
        ]
        assert views["chart"] == expected
        assert views["table"] == expected

    def test_the_failure_is_on_the_second_afternoon(self, views: Any) -> None:
        worst = sorted(views["table"], key=lambda row: -row["errors"])[:3]
        assert {row["hour"] for row in worst} == {f"2025-03-11T{hour}:00" for hour in (13, 14, 15)}

    def test_pages(self, views: Any, requests: list[Any]) -> None:
        pages = Counter((path, status) for _, path, status in requests if status >= 500)
        ranked = sorted(pages, key=lambda page: (-pages[page], *page))[:15]
        found = [(row["path"], row["status"], row["errors"]) for row in views["pages"]]
        assert found == [(*page, pages[page]) for page in ranked]


class TestIndexDocuments:
    @pytest.fixture(scope="class")
    @classmethod
    def views(cls, root: Path) -> Any:
        return run("index_documents.yaml", root)

    @pytest.fixture(scope="class")
    @classmethod
    def pages(cls) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted((DATA / "handbook").iterdir())}

    def test_chunks(self, views: Any, pages: dict[str, str]) -> None:
        assert len(pages) == 12
        chunks = views["chunk_table"]
        titles = [text.splitlines()[0].removeprefix("# ") for text in pages.values()]
        assert list(dict.fromkeys(row["page"] for row in chunks)) == titles
        assert all(row["characters"] == len(row["text"]) <= 400 for row in chunks)
        headings = [
            line for text in pages.values() for line in text.splitlines() if line[:1] == "#"
        ]
        starts = [row["text"].splitlines()[0] for row in chunks if row["text"].startswith("#")]
        assert starts == headings
        plain = re.sub(r"\s", "", "".join(pages.values()))
        assert re.sub(r"\s", "", "".join(row["text"] for row in chunks)) == plain

    @pytest.mark.parametrize(
        ("word", "pattern"),
        [
            ("tent", r"\btent\b"),
            ("customer", r"\bcustomer\b"),
            ("stove", r"\bstove\b"),
            ("returns", r"\breturns\b"),
            ("帐篷", "帐篷"),
            ("顾客", "顾客"),
            ("背包", "背包"),
        ],
    )
    def test_words(self, views: Any, pages: dict[str, str], word: str, pattern: str) -> None:
        counts = {
            name: len(re.findall(pattern, text, re.IGNORECASE)) for name, text in pages.items()
        }
        found_in = [name for name, count in counts.items() if count]
        (row,) = [row for row in views["table"] if row["word"] == word]
        assert row == {
            "word": word,
            "times": sum(counts.values()),
            "pages": len(found_in),
            "found_in": found_in,
        }

    def test_most_frequent_first(self, views: Any) -> None:
        order = [(-row["times"], row["word"]) for row in views["table"]]
        assert order == sorted(order)
        assert views["chart"] == only(views["table"][:20], "word", "times")
        assert not {"the", "and", "的"} & {row["word"] for row in views["table"]}

    def test_the_file(self, views: Any, root: Path) -> None:
        written = json.loads((root / "examples" / "output" / "word_index.json").read_text())
        assert written == views["table"]


class TestQualityCheck:
    @pytest.fixture(scope="class")
    @classmethod
    def views(cls, root: Path) -> Any:
        return run("quality_check.yaml", root)

    @pytest.fixture(scope="class")
    @classmethod
    def answers(cls) -> list[dict[str, Any]]:
        return json.loads((DATA / "survey.json").read_text())  # type: ignore[no-any-return]

    @staticmethod
    def verdict(answer: dict[str, Any]) -> str:
        score, age = answer["score"], answer["age"]
        if score not in range(11) or age not in range(14, 111):
            return "not usable"
        return "promoter" if score > 8 else "passive" if score > 6 else "critic"

    def test_verdicts(self, views: Any, answers: list[Any]) -> None:
        groups = defaultdict(list)
        for answer in answers:
            groups[self.verdict(answer), answer["language"]].append(answer["score"])
        expected = []
        for (verdict, language), scores in sorted(groups.items()):
            given = [score for score in scores if score is not None]
            row = {"verdict": verdict, "language": language, "answers": len(scores)}
            expected.append({**row, "average_score": round(fmean(given), 2) if given else None})
        assert len(expected) == 8
        assert views["table"] == expected
        assert views["chart"] == only(expected, "verdict", "answers", "language")

    def test_the_unusable_have_a_reason(self, views: Any, answers: list[Any]) -> None:
        expected = [
            (answer["id"], "no score" if answer["score"] is None
             else "age impossible" if answer["score"] in range(11) else "score out of range")
            for answer in answers if self.verdict(answer) == "not usable"
        ]  # fmt: skip
        assert len({reason for _, reason in expected}) == 3
        assert [(row["id"], row["reason"]) for row in views["rejected"]] == expected


class TestThankYouLetters:
    @pytest.mark.parametrize("day", [None, "1 May"])
    def test_letters(self, root: Path, day: str | None) -> None:
        views = run("thank_you_letters.yaml", root, {"open_day": day} if day else {})
        schools = [row for row in table("customers.csv") if row["segment"] == "school"]
        schools.sort(key=lambda row: (row["since"], row["customer_id"]))
        letters = views["show"]
        assert len(letters) == 12
        for letter, school in zip(letters, schools, strict=False):
            assert letter.startswith(f"Dear {school['name']},\n")
            assert f"in {school['city']} has been with us since {school['since'][:4]}." in letter
            assert f"open day on {day or '12 September'}." in letter
            assert f"customer number {school['customer_id']})" in letter
        written = (root / "examples" / "output" / "letters.txt").read_text()
        assert written == "".join(f"{letter}\n" for letter in letters)


class TestServerStatus:
    ANSWERS: ClassVar[dict[str, tuple[int, Any]]] = {
        "/api/health": (200, {"status": "ok", "version": "0"}),
        "/api/ready": (503, {"status": "starting"}),
        "/api/session": (401, {"code": "auth.required"}),
    }
    """As ours answers."""

    def test_answers(self, root: Path) -> None:
        none = (404, {"code": "not_found"})
        with serving(lambda path, _: self.ANSWERS.get(path, none)) as (server, _):
            views = run("server_status.yaml", root, {"server": server}, allow=server)
        rows = views["table"]
        assert [(row["name"], row["status"], row["ok"]) for row in rows] == [
            ("Health", 200, True),
            ("Ready", 503, False),
            ("Session (signed out)", 401, True),
            ("No such page", 404, True),
        ]
        assert rows[0]["answer"] == {"status": "ok", "version": "0"}
        assert list(rows[0]) == ["name", "status", "expected", "ok", "duration_ms", "answer"]
        assert [row["duration_ms"] for row in views["chart"]] == [
            row["duration_ms"] for row in rows
        ]
