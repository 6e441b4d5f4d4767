"""Examples that loop, try again, call one another and decide, with numbers by other means."""

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.engine.examples.runs import only, run, run_whole, shown, table
from tests.engine.examples.services import serving


class TestCheckServices:
    @staticmethod
    def flaky(path: str, before: int) -> tuple[int, Any]:
        """One is well, one after two failures, one is shut, and one is not there."""
        if path == "/api/ready":
            return (200, {}) if before == 2 else (503, {"status": "starting"})
        return {"/api/health": (200, {}), "/api/session": (401, {})}.get(path, (404, {}))

    def test_what_fails_is_tried_again_and_stops_nobody(self, root: Path) -> None:
        with serving(self.flaky) as (server, asked):
            result, events = run_whole(
                "check_services.yaml", root, {"server": server}, allow=server
            )
        views = shown(result)
        assert [(row["service"], row["ok"]) for row in views["table"]] == [
            ("Health", True),
            ("Closed door", False),
            ("Ready", True),
            ("Moved away", False),
        ]
        assert asked == {
            "/api/health": 1,
            "/api/session": 3,
            "/api/ready": 3,
            "/api/no-such-thing": 3,
        }
        assert len([each for each in events if each.type == "node_retrying"]) == 6
        assert [re.findall(r"\d{3}", row["said"])[-1] for row in views["table"]] == [
            "200",
            "401",
            "200",
            "404",
        ]

    def test_a_server_that_is_not_there_is_four_rows(self, root: Path) -> None:
        with serving(self.flaky) as (server, _):
            pass
        result, _ = run_whole("check_services.yaml", root, {"server": server}, allow=server)
        assert [row["ok"] for row in shown(result)["table"]] == [False] * 4


class TestLettersByCall:
    def test_each_customer_has_the_letter_of_its_kind(self, root: Path) -> None:
        result, _ = run_whole("letters_by_call.yaml", root)
        views = shown(result)
        customers = table("customers.csv")
        customers.sort(key=lambda row: (row["since"], row["customer_id"]))
        oldest = customers[:12]
        assert {row["segment"] for row in oldest} == {"school", "business", "private"}
        expected = []
        for row in oldest:
            name, year = row["name"], row["since"][:4]
            expected.append(
                {
                    "school": f"Dear teachers of {name}, bring your classes to our open day on "
                    "3 October.",
                    "business": f"Dear {name}, thank you for ordering from us since {year}. Our "
                    "open day for dealers is on 3 October.",
                    "private": f"Dear {name}, drop in on our open day on 3 October.",
                }[row["segment"]]
            )
        assert views["show"] == expected
        written = (root / "examples" / "output" / "letters_by_call.txt").read_text()
        assert written == "".join(f"{letter}\n" for letter in expected)

    def test_the_called_flow_works_by_itself(self, root: Path) -> None:
        result, _ = run_whole("customer_letter.yaml", root, {"open_day": "1 May"})
        assert result.outputs["letter"]["out"]["value"] == (
            "Dear Ada Ashdown, drop in on our open day on 1 May."
        )


class TestLoan:
    @staticmethod
    def plan(amount: int, rate: int, payment: int) -> list[dict[str, float]]:
        """The payments, worked out exactly and rounded each month."""
        cent, owed, rows = Decimal("0.01"), Decimal(amount), []
        while owed > 0:
            interest = (owed * rate / 1200).quantize(cent, ROUND_HALF_UP)
            paid = min(Decimal(payment), owed + interest)
            owed += interest - paid
            figures = {"interest": interest, "paid": paid, "owed": owed}
            numbers = {name: float(figure) for name, figure in figures.items()}
            rows.append({"month": len(rows) + 1, **numbers})
        return rows

    @pytest.mark.parametrize("inputs", [(6000, 6, 280), (1000, 12, 2000), (5000, 0, 500)])
    def test_the_payments(self, root: Path, inputs: tuple[int, int, int]) -> None:
        expected = self.plan(*inputs)
        views = run(
            "loan.yaml", root, dict(zip(("amount", "rate", "payment"), inputs, strict=True))
        )
        assert views["table"] == expected
        assert views["chart"] == only(expected, "month", "owed")

    def test_one_that_is_never_paid_ends_with_an_error(self, root: Path) -> None:
        with pytest.raises(AssertionError, match=r"control\.limit_reached"):
            run("loan.yaml", root, {"payment": 20})
