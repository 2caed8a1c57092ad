"""What is held for a session: bounded in time and size, closed when it goes, safe from many threads."""

import threading

from utils.registry import SessionRegistry


class Clock:
    """A clock that a test turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_registry_forgets_what_was_not_used_in_time() -> None:
    clock, gone = Clock(), list[str]()
    held = SessionRegistry[str](ttl=10, max_size=100, on_drop=gone.append, clock=clock)
    held.put("a", "A", 1)
    held.put("b", "B", 1)
    clock.now = 8
    assert held.get("a") == "A"
    clock.now = 15
    assert held.get("b") is None
    assert (held.get("a"), gone, len(held)) == ("A", ["B"], 1)
    clock.now = 99
    assert (held.get("a"), gone, len(held)) == (None, ["B", "A"], 0)


def test_a_registry_lets_the_least_recently_used_go_when_it_is_full() -> None:
    gone = list[str]()
    held = SessionRegistry[str](ttl=10, max_size=10, on_drop=gone.append)
    held.put("a", "A", 4)
    held.put("b", "B", 4)
    held.get("a")
    held.put("c", "C", 4)
    assert gone == ["B"]
    held.put("d", "D", 99)
    assert (gone, held.get("d")) == (["B", "A", "C"], "D")


def test_a_registry_closes_what_is_replaced_or_dropped() -> None:
    gone = list[str]()
    held = SessionRegistry[str](ttl=10, max_size=10, on_drop=gone.append)
    held.put("a", "A", 1)
    held.put("a", "A2", 1)
    held.drop("a")
    held.drop("a")
    assert gone == ["A", "A2"]


def test_a_registry_can_be_used_from_many_threads() -> None:
    held = SessionRegistry[int](ttl=10, max_size=50)

    def work(number: int) -> None:
        for turn in range(200):
            held.put(f"{number}-{turn % 7}", turn, 1)
            held.get(f"{number}-{turn % 5}")
            held.drop(f"{number}-{turn % 3}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(held) <= 50
