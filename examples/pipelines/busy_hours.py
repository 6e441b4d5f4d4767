"""How many requests a web server had every hour, and how many of them it could not answer.

weft run examples/pipelines/busy_hours.py -- examples/data/access.log
"""

import re
import sys
from datetime import datetime

from weft_engine.kernel import FileSource, LocalEnvironment, Tumbling

LINE = re.compile(r'\S+ \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d{3}) ')


def parse(line):
    match = LINE.match(line)
    if match is None:
        raise ValueError("this is no line of an access log")
    return {
        "time": datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S %z"),
        "path": match["request"].split(" ")[1].partition("?")[0],
        "failed": int(match["status"]) >= 500,
    }


def count(_key, window, requests):
    hour = datetime.fromtimestamp(window.start / 1000, requests[0]["time"].tzinfo)
    failed = sum(request["failed"] for request in requests)
    yield f"{hour:%Y-%m-%d %H:%M}  {len(requests):5} requests  {failed:4} failed"


def main(path):
    env = LocalEnvironment("busy hours")
    (
        env.from_source(FileSource(path, format="text"))
        .map(parse, name="parse")
        .on_error("skip")
        .assign_timestamps(lambda request: request["time"], max_out_of_orderness="5min")
        .window_all(Tumbling("1h"))
        .process(count, name="count")
        .print()
    )
    env.submit()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "examples/data/access.log")
