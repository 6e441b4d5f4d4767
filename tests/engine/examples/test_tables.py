"""Examples on tables, with numbers worked out here by other means."""

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.engine.examples.runs import cents, mean, only, run, table


class TestSalesReport:
    @pytest.fixture(scope="class")
    @classmethod
    def views(cls, root: Path) -> Any:
        return run("sales_report.yaml", root)

    @pytest.fixture(scope="class")
    @classmethod
    def sold(cls) -> list[dict[str, str]]:
        return [row for row in table("sales.csv") if int(row["quantity"]) > 0]

    def test_there_are_returns_to_leave_out(self, sold: list[Any]) -> None:
        assert len(table("sales.csv")) == 5000
        assert 4800 < len(sold) < 5000

    def test_revenue_by_region(self, views: Any, sold: list[Any]) -> None:
        groups = defaultdict(list)
        for row in sold:
            groups[row["date"][:7], row["region"]].append(row["amount"])
        expected = [
            {"region": region, "month": month, "revenue": cents(values), "orders": len(values)}
            for (month, region), values in sorted(groups.items())
        ]
        assert len(expected) == 48
        assert views["table"] == expected
        assert list(views["table"][0]) == ["month", "region", "revenue", "orders"]
        assert views["bars"] == only(expected, "month", "region", "revenue")

    def test_revenue_over_the_year(self, views: Any, sold: list[Any]) -> None:
        months = defaultdict(list)
        for row in sold:
            months[row["date"][:7]].append(row["amount"])
        assert views["line"] == [
            {"month": month, "revenue": cents(values)} for month, values in sorted(months.items())
        ]

    def test_best_products(self, views: Any, sold: list[Any]) -> None:
        amounts, pieces = defaultdict(list), Counter[str]()
        for row in sold:
            amounts[row["product"]].append(row["amount"])
            pieces[row["product"]] += int(row["quantity"])
        best = sorted(amounts, key=lambda product: -cents(amounts[product]))[:10]
        found = [(row["product"], row["pieces"], row["revenue"]) for row in views["products"]]
        assert found == [(name, pieces[name], cents(amounts[name])) for name in best]


class TestCleanContacts:
    @pytest.fixture(scope="class")
    @classmethod
    def views(cls, root: Path) -> Any:
        return run("clean_contacts.yaml", root)

    @pytest.fixture(scope="class")
    @classmethod
    def expected(cls) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        people: dict[str, dict[str, Any]] = {}
        rest = []
        for row in table("contacts_messy.csv", "utf-8-sig"):
            email = row["E-mail"].strip().lower()
            phone = re.sub(r"[^\d+]", "", re.sub(r"^00", "+", row["Phone"]))
            person = {
                "name": " ".join(unicodedata.normalize("NFKC", row["Name"]).split()).title(),
                "email": email if re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]+", email) else None,
                "phone": phone or None,
                "company": row["Company"] or "private",
                "city": row["City"],
                "signed_up": row["Signed up"],
            }
            if person["email"]:
                people.setdefault(email, person)
            else:
                rest.append(person)
        return sorted(people.values(), key=lambda p: (p["name"], p["email"])), rest

    def test_clean(self, views: Any, expected: Any) -> None:
        assert 500 < len(expected[0]) < 640
        assert views["clean"] == expected[0]

    def test_to_check(self, views: Any, expected: Any) -> None:
        assert len(expected[1]) > 20
        assert views["check"] == only(expected[1], "name", "phone", "company", "city")

    def test_the_file(self, views: Any, expected: Any, root: Path) -> None:
        written = root / "examples" / "output" / "contacts_clean.csv"
        assert written.read_bytes().startswith(b"\xef\xbb\xbfname,email,phone")
        with written.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows == [{key: value or "" for key, value in row.items()} for row in expected[0]]


class TestCustomersOrders:
    @pytest.fixture(scope="class")
    @classmethod
    def views(cls, root: Path) -> Any:
        return run("customers_orders.yaml", root)

    @pytest.fixture(scope="class")
    @classmethod
    def paid(cls) -> list[dict[str, Any]]:
        customers = {row["customer_id"]: row for row in table("customers.csv")}
        return [
            {**order, "customer": customers.get(order["customer_id"])}
            for order in table("orders.csv")
            if order["status"] == "paid"
        ]

    def test_segments(self, views: Any, paid: list[Any]) -> None:
        segments = defaultdict(list)
        for order in paid:
            if order["customer"]:
                segments[order["customer"]["segment"]].append(order)
        expected = [
            {
                "segment": segment,
                "revenue": cents(order["total"] for order in orders),
                "orders": len(orders),
                "customers": len({order["customer_id"] for order in orders}),
                "average": mean([order["total"] for order in orders]),
            }
            for segment, orders in segments.items()
        ]
        expected.sort(key=lambda row: -row["revenue"])
        assert views["segments"] == expected
        assert views["pie"] == only(expected, "segment", "revenue")

    def test_best_customers(self, views: Any, paid: list[Any]) -> None:
        groups = defaultdict(list)
        for order in paid:
            if order["customer"]:
                groups[order["customer_id"]].append(order)
        ranked = sorted(groups, key=lambda key: (-cents(o["total"] for o in groups[key]), key))
        assert [
            (row["customer_id"], row["name"], row["revenue"], row["orders"], row["last_order"])
            for row in views["customers_table"]
        ] == [
            (
                key,
                groups[key][0]["customer"]["name"],
                cents(order["total"] for order in groups[key]),
                len(groups[key]),
                max(order["date"] for order in groups[key]),
            )
            for key in ranked[:20]
        ]

    def test_unknown_customers(self, views: Any, paid: list[Any]) -> None:
        expected = [order["order_id"] for order in paid if order["customer"] is None]
        assert 20 < len(expected) < 60
        assert [row["order_id"] for row in views["unknown"]] == expected
        assert all(row["order_id"].startswith("0") for row in views["unknown"][:5])
