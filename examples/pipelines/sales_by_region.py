"""Adds up sales by region and product category, and writes them into a folder as JSON lines.

    weft run examples/pipelines/sales_by_region.py --env processes --parallelism 2 -- \\
        examples/data/sales.csv totals
"""

import sys
from decimal import Decimal

from weft_engine.kernel import FileSink, FileSource, LocalEnvironment


def nothing():
    return Decimal(0), 0


def add(held, sale):
    revenue, orders = held
    return revenue + Decimal(sale["amount"]), orders + 1


def row(total):
    (region, category), (revenue, orders) = total
    return {"region": region, "category": category, "revenue": str(revenue), "orders": orders}


def main(path, folder):
    env = LocalEnvironment("sales by region")
    (
        env.from_source(FileSource(path))
        .filter(lambda sale: int(sale["quantity"]) > 0, name="sold")
        .key_by(lambda sale: (sale["region"], sale["category"]))
        .aggregate(nothing, add)
        .map(row, name="row")
        .sink(FileSink(folder))
    )
    env.submit()


if __name__ == "__main__":
    main(*sys.argv[1:])
