"""Patterns of files, secrets in names, and how often one may call."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_server.triggers import redact
from weft_server.triggers.kinds import files
from weft_server.triggers.logs import hidden
from weft_server.triggers.rate import Rate

FILES = [
    "a.csv", "b.txt", "in/a.csv", "in/b.csv", "in/deep/a.csv", "in/deep/er/a.csv", "in/[x].csv",
    "in/.hidden.csv", "other/in/a.csv",
]  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("files") / "root"
    for name in FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root.parent / "outside.csv").write_text("outside")
    return root


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.csv", ["a.csv"]),
        ("in/*.csv", ["in/.hidden.csv", "in/[x].csv", "in/a.csv", "in/b.csv"]),
        ("in/?.csv", ["in/a.csv", "in/b.csv"]),
        ("in/[bc].csv", ["in/b.csv"]),
        ("in/[!a].csv", ["in/b.csv"]),
        ("in/**/a.csv", ["in/a.csv", "in/deep/a.csv", "in/deep/er/a.csv"]),
        ("**/a.csv", ["a.csv", "in/a.csv", "in/deep/a.csv", "in/deep/er/a.csv", "other/in/a.csv"]),
        ("in/deep/**", ["in/deep/a.csv", "in/deep/er/a.csv"]),
        ("in/*/a.csv", ["in/deep/a.csv"]),
        ("/in//a.csv", ["in/a.csv"]),
        ("../*.csv", ["a.csv"]),
        ("in/../../outside.csv", []),
        ("none/*.csv", []),
        ("a.csv", ["a.csv"]),
    ],
)
def test_patterns(root: Path, pattern: str, found: list[str]) -> None:
    assert sorted(files.scan(root, pattern)) == found


@given(st.text(st.sampled_from("ab/*?[]!.-\\("), max_size=12))
def test_no_pattern_breaks_or_reaches_outside(pattern: str) -> None:
    assert files.scan(Path(__file__).parent / "nothing", pattern) == {}


def test_a_pattern_may_not_fit_too_many(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 2)
    with pytest.raises(files.TooManyFilesError):
        files.scan(root, "**")


@given(
    before=st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(0, 2), st.just(1))),
    now=st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(0, 2), st.just(1))),
)
def test_changes_lead_from_one_state_to_the_other(before: files.Seen, now: files.Seen) -> None:
    found = files.changes(before, now, frozenset({"created", "changed", "deleted"}))
    after = dict(before)
    for change in found:
        assert (change.change == "created") == (change.path not in before)
        if change.state is None:
            del after[change.path]
        else:
            after[change.path] = change.state
    assert after == now


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "Cookie", "Set-Cookie", "Proxy-Authorization", "X-Api-Key", "apikey"),
        *("X-Hub-Signature-256", "Stripe-Signature", "X-Gitlab-Token", "X-CSRF-Token", "sig"),
        *(
            "X-Amz-Security-Token",
            "password",
            "client_secret",
            "oauth_verifier",
            "auth",
            "X-Auth-Request-Email",
            "code",
        ),
    ],
)
def test_secret_headers_are_known_by_name(name: str) -> None:
    assert redact.headers([(name, "canary")]) == {name.lower(): redact.REDACTED}
    assert "canary" not in str(redact.query([(name, "canary"), (name, "canary")]))


def test_other_headers_are_kept() -> None:
    given = [
        ("X-GitHub-Event", "push"),
        ("Author", "Ada"),
        ("Accept", "a"),
        ("Accept", "b"),
        ("X-Own", "secret"),
    ]
    kept = redact.headers(given, ["x-own"])
    assert kept == {
        "x-github-event": "push",
        "author": "Ada",
        "accept": "a, b",
        "x-own": redact.REDACTED,
    }


def test_a_line_of_the_log_has_no_address() -> None:
    assert hidden("GET /hooks/abc-_1?token=x HTTP/1.1") == "GET /hooks/… HTTP/1.1"
    assert hidden("/api/flows") == "/api/flows"


def test_a_minute_of_calls_may_come_at_once() -> None:
    now = [0.0]
    rate = Rate(lambda: now[0])
    assert [rate.take("a", 3) for _ in range(3)] == [0, 0, 0]
    assert rate.take("a", 3) == pytest.approx(20)
    assert rate.take("b", 3) == 0
    now[0] = 20
    assert rate.take("a", 3) == 0
    assert rate.take("a", 3) > 0
    now[0] = 1_000
    assert [rate.take("a", 3) > 0 for _ in range(4)] == [False, False, False, True]
