from concurrent.futures import ThreadPoolExecutor

from weft_server.ids import new_id


def test_ids_say_what_they_name_and_sort_by_age() -> None:
    made = [new_id("flw") for _ in range(10_000)]
    assert all(len(one) == 30 and one.startswith("flw_0") for one in made)
    assert made == sorted(set(made))


def test_threads_get_different_ids() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_id("run"), range(20_000)))
    assert len(set(made)) == len(made)
