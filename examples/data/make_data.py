"""Write the example data files again, byte for byte.

Everything here is invented: names, shops, addresses and traffic. Telephone numbers, e-mail
domains and IP addresses come from the ranges reserved for fiction and documentation.

    python examples/data/make_data.py            # next to this file
    python examples/data/make_data.py --out DIR  # somewhere else
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

SEED = 20250314

PRODUCTS = [
    # product, category, unit price, weight by season (winter, spring, summer, autumn)
    ("Ridge 2 tent", "Tents", "289.00", (1, 4, 8, 2)),
    ("Ridge 4 tent", "Tents", "449.00", (1, 3, 6, 1)),
    ("Tarp 3x4", "Tents", "64.50", (1, 3, 5, 2)),
    ("Fern 25 backpack", "Backpacks", "89.90", (3, 5, 6, 5)),
    ("Fern 45 backpack", "Backpacks", "149.90", (2, 5, 7, 4)),
    ("Dry bag 10 l", "Backpacks", "18.75", (2, 4, 8, 3)),
    ("Merino shirt", "Clothing", "74.00", (6, 5, 3, 6)),
    ("Rain jacket", "Clothing", "189.00", (4, 6, 2, 8)),
    ("Down vest", "Clothing", "129.00", (9, 2, 1, 6)),
    ("Wool socks, 3 pairs", "Clothing", "32.40", (9, 4, 2, 7)),
    ("Gas stove", "Cooking", "54.95", (2, 5, 8, 3)),
    ("Pot set", "Cooking", "42.00", (2, 4, 7, 3)),
    ("Steel bottle 1 l", "Cooking", "24.90", (4, 5, 7, 5)),
    ("Headlamp", "Lighting", "39.00", (8, 3, 3, 8)),
    ("Camp lantern", "Lighting", "58.20", (4, 3, 6, 5)),
]
REGIONS = [("North", 26), ("South", 31), ("East", 18), ("West", 25)]
CHANNELS = [("shop", 48), ("online", 41), ("phone", 11)]
SHOPS = [
    "Birch & Loom", "Larkspur Supply", "Ferris, Hall & Sons", "The Tarn", "Kestrel Outfitters",
    "Moss & Ember", "Tidewater Camping", "Old Mill Store", "Saltmarsh Trading", "Pinecone Club",
    "Harrow Street Sports", "Lantern & Rope", "Quarry Lane", "Bluebell Hire", "Northlight Co-op",
    'Walker\'s "Base Camp"', "Drift & Dune", "Alder Brothers", "Copperfield Goods", "Two Rivers",
    "Summit Corner", "Wren & Willow", "Longacre", "Meadowsweet", "Granite Peak Shop",
]  # fmt: skip

EN_FIRST = [
    "Ada", "Ben", "Clara", "Dara", "Elena", "Finn", "Grace", "Hugo", "Iris", "Jonas", "Kira",
    "Leo", "Mara", "Nils", "Olive", "Pia", "Quentin", "Rosa", "Sven", "Tess", "Uma", "Viktor",
    "Wanda", "Xenia", "Yusuf", "Zoe",
]  # fmt: skip
EN_LAST = [
    "Ashdown", "Bellamy", "Carver", "Dunmore", "Everly", "Fairweather", "Garrow", "Holloway",
    "Inglis", "Jarvis", "Kestrel", "Lockhart", "Merrow", "Northcote", "Oakes", "Penrose",
    "Quill", "Ravenscroft", "Stroud", "Thackeray", "Underhill", "Vance", "Whitlock", "Yarrow",
]  # fmt: skip
ZH_LAST = [
    ("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"),
    ("赵", "zhao"), ("黄", "huang"), ("周", "zhou"), ("吴", "wu"), ("徐", "xu"), ("孙", "sun"),
]  # fmt: skip
ZH_FIRST = [
    ("安琪", "anqi"), ("博文", "bowen"), ("楚云", "chuyun"), ("丹青", "danqing"),
    ("恩泽", "enze"), ("芳华", "fanghua"), ("冠宇", "guanyu"), ("海棠", "haitang"),
    ("静怡", "jingyi"), ("可欣", "kexin"), ("立夏", "lixia"), ("明远", "mingyuan"),
    ("念慈", "nianci"), ("沛然", "peiran"), ("清扬", "qingyang"), ("若兰", "ruolan"),
]  # fmt: skip
COMPANIES = [
    "Harbour Print Works", "Greenfield Dairy", "Lumen Studio", "Old Bridge Books",
    "Tern & Co.", "Cobalt Ceramics", "青石茶业", "云起设计", "南山书局", "晨光印务",
]  # fmt: skip
EN_CITIES = ["Leeds", "Bristol", "Portland", "Denver", "Cork", "Halifax"]
ZH_CITIES = ["杭州", "成都", "上海", "厦门", "西安", "广州"]
MAIL_DOMAINS = ["example.com", "example.org", "mail.example.com", "example.net"]


def season(day: date) -> int:
    """Return 0 for winter, 1 for spring, 2 for summer, 3 for autumn."""
    return day.month % 12 // 3


def pick(rng: random.Random, weighted: Sequence[tuple[str, int]]) -> str:
    """Draw one value from (value, weight) pairs."""
    return rng.choices([v for v, _ in weighted], [w for _, w in weighted])[0]


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]], end: str = "\n") -> str:
    """Return rows as CSV text, quoting only where it is needed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def cents(value: int) -> str:
    """Write an amount held in cents with two decimals."""
    sign = "-" if value < 0 else ""
    return f"{sign}{abs(value) // 100}.{abs(value) % 100:02d}"


def sales(rng: random.Random) -> bytes:
    """Make a year of orders of an outdoor equipment wholesaler; 2 % are returns."""
    days = sorted(date(2025, 1, 1) + timedelta(days=rng.randrange(365)) for _ in range(5000))
    rows = []
    for number, day in enumerate(days, start=1):
        product, category, price, _ = rng.choices(PRODUCTS, [w[3][season(day)] for w in PRODUCTS])[
            0
        ]
        quantity = rng.choices([1, 2, 3, 4, 6, 10, 12, 24], [20, 22, 14, 10, 12, 10, 8, 4])[0]
        if rng.random() < 0.02:
            quantity = -min(quantity, 3)
        price_cents = round(float(price) * 100)
        rows.append([
            day.isoformat(), f"SO-25{number:04d}", pick(rng, REGIONS), product, category,
            quantity, price, cents(price_cents * quantity), rng.choice(SHOPS),
            pick(rng, CHANNELS),
        ])  # fmt: skip
    header = [
        "date", "order_id", "region", "product", "category",
        "quantity", "unit_price", "amount", "customer", "channel",
    ]  # fmt: skip
    return csv_text(header, rows).encode()


def person(rng: random.Random, number: int) -> dict[str, str]:
    """Invent one clean contact."""
    if rng.random() < 0.4:
        (last, last_py), (first, first_py) = rng.choice(ZH_LAST), rng.choice(ZH_FIRST)
        name, mail_name, city = last + first, f"{first_py}.{last_py}", rng.choice(ZH_CITIES)
        phone = f"+86 10 5555 {number % 10000:04d}"
    else:
        first, last = rng.choice(EN_FIRST), rng.choice(EN_LAST)
        name, mail_name, city = f"{first} {last}", f"{first}.{last}".lower(), rng.choice(EN_CITIES)
        phone = f"+1 {200 + number % 700} 555 01{number % 100:02d}"
    return {
        "name": name,
        "email": f"{mail_name}{number}@{rng.choice(MAIL_DOMAINS)}",
        "phone": phone,
        "company": rng.choice(COMPANIES) if rng.random() < 0.7 else "",
        "city": city,
        "signed_up": (date(2023, 1, 1) + timedelta(days=rng.randrange(900))).isoformat(),
    }


def spoil_text(rng: random.Random, text: str) -> str:
    """Add the stray spaces and odd capitals of a hand-typed field."""
    roll = rng.random()
    if roll < 0.12:
        text = text.upper()
    elif roll < 0.24:
        text = text.lower()
    if rng.random() < 0.25:
        text = text.replace(" ", "  ", 1)
    if rng.random() < 0.3:
        text = rng.choice([" ", "  ", "\u3000", "\t"]) + text
    if rng.random() < 0.3:
        text += rng.choice([" ", "  ", "\u00a0"])
    return text


def spoil_phone(rng: random.Random, phone: str) -> str:
    """Write the same number the way another person would."""
    country, *rest = phone.split(" ")
    style = rng.randrange(5)
    if style == 0:
        return phone.replace(" ", "-")
    if style == 1:
        return phone.replace(" ", "")
    if style == 2:
        return f"00{country[1:]} {' '.join(rest)}"
    if style == 3:
        return f"{country} ({rest[0]}) {'.'.join(rest[1:])}"
    return phone


def spoil_email(rng: random.Random, email: str) -> str:
    """Change capitals and spaces, and break a few addresses for good."""
    roll = rng.random()
    if roll < 0.04:
        return rng.choice([email.replace("@", ""), email.replace("@", " at "), "n/a", "-"])
    if roll < 0.06:
        return ""
    if roll < 0.3:
        email = email.title()
    return spoil_text(rng, email)


def contacts(rng: random.Random) -> bytes:
    """Make a contact list typed by many hands: duplicates, spaces, capitals, bad addresses."""
    people = [person(rng, number) for number in range(1, 641)]
    entries = people + [rng.choice(people) for _ in range(160)]
    rng.shuffle(entries)
    rows = [
        [
            spoil_text(rng, entry["name"]), spoil_email(rng, entry["email"]),
            spoil_phone(rng, entry["phone"]) if rng.random() < 0.93 else "",
            entry["company"], entry["city"], entry["signed_up"],
        ]
        for entry in entries
    ]  # fmt: skip
    header = ["Name", "E-mail", "Phone", "Company", "City", "Signed up"]
    # A byte order mark and CRLF, as spreadsheet programs write them.
    return csv_text(header, rows, "\r\n").encode("utf-8-sig")


def customers_and_orders(rng: random.Random) -> tuple[bytes, bytes]:
    """Make two tables that share customer_id; ids have leading zeros, some have no partner."""
    people = [person(rng, number) for number in range(1, 501)]
    ids = [f"{rng.randrange(10):01d}{number:05d}" for number in range(1, 501)]
    segments = [("private", 60), ("business", 30), ("school", 10)]
    customer_rows = [
        [cid, p["name"], p["city"], pick(rng, segments), p["signed_up"]]
        for cid, p in zip(ids, people, strict=True)
    ]
    buyers = ids[:460]
    states = [("paid", 80), ("open", 12), ("cancelled", 8)]
    order_rows = []
    for number in range(1, 3001):
        day = date(2025, 1, 1) + timedelta(days=rng.randrange(181))
        cid = rng.choice(buyers) if rng.random() < 0.985 else f"9{90000 + rng.randrange(60)}"
        total = rng.randrange(500, 60000)
        order_rows.append([f"{number:06d}", cid, day.isoformat(), cents(total), pick(rng, states)])
    return (
        csv_text(["customer_id", "name", "city", "segment", "since"], customer_rows).encode(),
        csv_text(["order_id", "customer_id", "date", "total", "status"], order_rows).encode(),
    )


AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/134.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) Safari/604.1",
    "curl/8.12.1",
    "ExampleBot/2.1 (+https://example.com/bot)",
]
PAGES = [
    ("/", 30), ("/products", 18), ("/products/{n}", 40), ("/cart", 9), ("/checkout", 5),
    ("/static/app.css", 14), ("/static/app.js", 14), ("/api/search?q=tent", 8),
    ("/api/stock/{n}", 12), ("/favicon.ico", 6),
]  # fmt: skip


def log_status(rng: random.Random, path: str, burst: bool) -> int:
    """Draw the answer of one request; during the burst the shop's back end is failing."""
    if burst and path.startswith(("/api", "/checkout", "/cart")):
        return rng.choices([200, 500, 502, 503], [20, 25, 20, 35])[0]
    if burst:
        return rng.choices([200, 503, 504], [78, 16, 6])[0]
    return rng.choices([200, 301, 304, 404, 500], [860, 25, 70, 40, 5])[0]


def access_log(rng: random.Random) -> bytes:
    """Make three days of a shop's web server log with a failure on the second afternoon."""
    start = datetime(2025, 3, 10, tzinfo=UTC)
    burst_from, burst_to = start + timedelta(hours=37, minutes=40), start + timedelta(hours=40)
    by_hour = [2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 14, 13, 12, 12, 12, 13, 14, 15, 14, 10, 6, 4]
    times = []
    for _ in range(7988):
        hour = rng.choices(range(24), by_hour)[0]
        offset = timedelta(days=rng.randrange(3), hours=hour, seconds=rng.randrange(3600))
        times.append(start + offset)
    networks = ["192.0.2", "198.51.100", "203.0.113"]
    lines = []
    for at in sorted(times):
        path = pick(rng, PAGES).replace("{n}", str(rng.randrange(100, 160)))
        status = log_status(rng, path, burst_from <= at < burst_to)
        size = "-" if status == 304 else str(rng.randrange(180, 42000))
        method = "POST" if path == "/checkout" else "GET"
        address = f"{rng.choice(networks)}.{rng.randrange(1, 255)}"
        lines.append(
            f"{address} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "
            f'"{method} {path} HTTP/1.1" {status} {size} "-" "{rng.choice(AGENTS)}"'
        )
    for _ in range(12):
        lines.insert(rng.randrange(len(lines)), "-- log rotated, worker restarted --")
    return ("\n".join(lines) + "\n").encode()


COMMENTS = {
    "en": ["Quick delivery.", "The manual is hard to read.", "Would buy again.", "Too heavy.", ""],
    "zh": ["发货很快。", "说明书看不懂。", "还会再买。", "有点重。", ""],
}


def survey(rng: random.Random) -> bytes:
    """Make answers to a customer survey, some of them impossible or incomplete."""
    answers = []
    for number in range(1, 241):
        language = pick(rng, [("en", 55), ("zh", 45)])
        score: object = rng.choices(range(11), [1, 1, 1, 2, 3, 5, 9, 16, 24, 20, 14])[0]
        age: object = rng.randrange(16, 82)
        roll = rng.random()
        if roll < 0.05:
            score = rng.choice([11, 42, -1])
        elif roll < 0.1:
            score = None
        elif roll < 0.14:
            age = rng.choice([0, 199])
        at = datetime(2025, 4, 1, 8, tzinfo=UTC) + timedelta(minutes=rng.randrange(40000))
        answers.append({
            "id": f"R{number:04d}", "language": language, "age": age, "score": score,
            "comment": rng.choice(COMMENTS[language]),
            "submitted_at": at.isoformat().replace("+00:00", "Z"),
        })  # fmt: skip
    lines = ",\n".join("  " + json.dumps(a, ensure_ascii=False) for a in answers)
    return f"[\n{lines}\n]\n".encode()


def endpoints() -> bytes:
    """List the public addresses the server status example asks for."""
    rows = [
        {"name": "Health", "path": "/api/health", "expected": 200},
        {"name": "Ready", "path": "/api/ready", "expected": 200},
        {"name": "Session (signed out)", "path": "/api/session", "expected": 401},
        {"name": "No such page", "path": "/api/no-such-thing", "expected": 404},
    ]
    return (json.dumps(rows, indent=2) + "\n").encode()


def services() -> bytes:
    """List addresses of which two answer, one refuses and one is not there."""
    rows = [
        {"name": "Health", "path": "/api/health"},
        {"name": "Closed door", "path": "/api/session"},
        {"name": "Ready", "path": "/api/ready"},
        {"name": "Moved away", "path": "/api/no-such-thing"},
    ]
    return (json.dumps(rows, indent=2) + "\n").encode()


def make() -> dict[str, bytes]:
    """Return every generated file by name; each has its own stream of random numbers."""

    def rng(name: str) -> random.Random:
        return random.Random(f"{SEED}/{name}")

    customers, orders = customers_and_orders(rng("orders"))
    simple: dict[str, Callable[[random.Random], bytes]] = {
        "sales.csv": sales,
        "contacts_messy.csv": contacts,
        "access.log": access_log,
        "survey.json": survey,
    }
    files = {name: build(rng(name)) for name, build in simple.items()}
    return files | {
        "customers.csv": customers,
        "orders.csv": orders,
        "endpoints.json": endpoints(),
        "services.json": services(),
    }


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description="Write the example data files.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, data in make().items():
        (out / name).write_bytes(data)


if __name__ == "__main__":
    main()
