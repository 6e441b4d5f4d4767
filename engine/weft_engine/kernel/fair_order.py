"""In which order waiting items are taken: fair between tenants, with priorities that starve nobody.

Between tenants it is earliest eligible virtual deadline first (Stoica and Abdel-Wahab, 1995): of
tenants that always have something waiting, each gets its share of what is taken, to within one
item. Within a tenant an item of priority p is treated as if it had come p times `ageing` items
earlier, so that it is overtaken by no more than so many later ones for every step of priority.
Items with the same key stay in the order in which they came, whatever their priorities.
"""

import heapq
from collections import deque
from collections.abc import Hashable, Mapping
from typing import Any, Final, Generic, TypeVar

__all__ = ["HIGHEST", "FairOrder"]

T = TypeVar("T")

HIGHEST: Final = 9
"""The highest priority; the lowest is 0."""
_ROUNDING: Final = 1e-9
_REMEMBERED: Final = 1000


class _Item(Generic[T]):
    __slots__ = ("gone", "key", "number", "rank", "value")

    def __init__(self, value: T, key: Hashable, number: int, rank: int) -> None:
        self.value: Any = value
        self.key = key
        self.number = number
        self.rank = rank
        self.gone = False

    def __lt__(self, other: "_Item[T]") -> bool:
        return (self.rank, self.number) < (other.rank, other.number)


class _Tenant(Generic[T]):
    """What waits of one tenant."""

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.size = 0
        self.eligible = 0.0
        """The virtual time from which it may be served next."""
        self._came = 0
        self._first_of_keys: list[_Item[T]] = []
        self._by_key: dict[Hashable, deque[_Item[T]]] = {}
        self._in_order: deque[_Item[T]] = deque()

    def add(self, value: T, key: Hashable, head_start: int) -> None:
        item = _Item(value, key, self._came, self._came - head_start)
        self._came += 1
        self.size += 1
        self._in_order.append(item)
        line = deque((item,)) if key is None else self._by_key.setdefault(key, deque())
        if key is not None:
            line.append(item)
        if len(line) == 1:
            heapq.heappush(self._first_of_keys, item)

    def take(self) -> T:
        while (item := heapq.heappop(self._first_of_keys)).gone:
            pass
        return self._remove(item)

    def take_oldest(self) -> T:
        while (item := self._in_order.popleft()).gone:
            pass
        value = self._remove(item)  # the oldest of all is the first of its key
        if len(self._first_of_keys) > 2 * self.size + _REMEMBERED:
            self._first_of_keys = [one for one in self._first_of_keys if not one.gone]
            heapq.heapify(self._first_of_keys)
        return value

    def _remove(self, item: _Item[T]) -> T:
        value: T = item.value
        item.gone, item.value = True, None
        self.size -= 1
        while self._in_order and self._in_order[0].gone:
            self._in_order.popleft()
        if item.key is not None:
            line = self._by_key[item.key]
            line.popleft()
            if line:
                heapq.heappush(self._first_of_keys, line[0])
            else:
                del self._by_key[item.key]
        return value


class FairOrder(Generic[T]):
    """Items that wait. Not for several threads: see `FairQueue`."""

    def __init__(self, weights: Mapping[Hashable, float] | None = None, ageing: int = 16) -> None:
        """Make one.

        Args:
            weights: The shares of tenants; 1 for those not named.
            ageing: How many later items may overtake an item for each step of priority.

        Raises:
            ValueError: when a weight is not positive, or the ageing negative.
        """
        if ageing < 0 or any(weight <= 0 for weight in (weights or {}).values()):
            raise ValueError("weights must be positive, and the ageing must not be negative")
        self._weights = dict(weights or {})
        self._ageing = ageing
        self._tenants: dict[Hashable, _Tenant[T]] = {}
        self._size = 0
        self._weight = 0.0
        self._now = 0.0
        self._ready: list[tuple[float, int, _Tenant[T]]] = []
        self._early: list[tuple[float, int, _Tenant[T]]] = []
        self._ties = 0

    def __len__(self) -> int:
        return self._size

    def waiting(self, tenant: Hashable) -> int:
        """How many items of a tenant wait."""
        found = self._tenants.get(tenant)
        return 0 if found is None else found.size

    def weight(self, tenant: Hashable) -> float:
        """A tenant's weight."""
        return self._weights.get(tenant, 1.0)

    def push(self, item: T, tenant: Hashable, priority: int, key: Hashable) -> None:
        """Let an item wait.

        Raises:
            ValueError: when the priority is not from 0 to `HIGHEST`.
        """
        if not 0 <= priority <= HIGHEST:
            raise ValueError(f"a priority is from 0 to {HIGHEST}, not {priority}")
        found = self._tenants.get(tenant)
        if found is None:
            self._forget()
            found = self._tenants[tenant] = _Tenant(self.weight(tenant))
        if not found.size:
            self._weight += found.weight
            # Who comes back does not get what it did not take, nor again what it has had.
            found.eligible = max(found.eligible, self._now)
            self._line_up(found)
        found.add(item, key, priority * self._ageing)
        self._size += 1

    def pop(self) -> T:
        """Take the next item.

        Raises:
            IndexError: when nothing waits.
        """
        if not self._size:
            raise IndexError("nothing waits")
        tenant = self._next()
        item = tenant.take()
        self._size -= 1
        self._now += 1 / self._weight
        tenant.eligible += 1 / tenant.weight
        if tenant.size:
            self._line_up(tenant)
        else:
            self._leave(tenant)
        return item

    def drop(self) -> T:
        """Take out the oldest item of the tenant that has most waiting for its weight.

        Raises:
            IndexError: when nothing waits.
        """
        if not self._size:
            raise IndexError("nothing waits")
        tenant = max(self._tenants.values(), key=lambda one: one.size / one.weight)
        item = tenant.take_oldest()
        self._size -= 1
        if not tenant.size:
            self._ready = [entry for entry in self._ready if entry[2] is not tenant]
            self._early = [entry for entry in self._early if entry[2] is not tenant]
            heapq.heapify(self._ready)
            heapq.heapify(self._early)
            self._leave(tenant)
        return item

    def _next(self) -> _Tenant[T]:
        if not self._ready:  # nobody is eligible: time goes on until somebody is
            self._now = max(self._now, self._early[0][0])
        while self._early and self._early[0][0] <= self._now + _ROUNDING:
            tenant = heapq.heappop(self._early)[2]
            self._push(self._ready, tenant.eligible + 1 / tenant.weight, tenant)
        return heapq.heappop(self._ready)[2]

    def _line_up(self, tenant: _Tenant[T]) -> None:
        self._push(self._early, tenant.eligible, tenant)

    def _push(
        self, heap: list[tuple[float, int, _Tenant[T]]], time: float, tenant: _Tenant[T]
    ) -> None:
        self._ties += 1
        heapq.heappush(heap, (time, self._ties, tenant))

    def _leave(self, tenant: _Tenant[T]) -> None:
        self._weight -= tenant.weight
        if not self._size:  # nobody is owed anything: begin anew, before rounding adds up
            self._tenants.clear()
            self._now = self._weight = 0.0

    def _forget(self) -> None:
        if len(self._tenants) >= _REMEMBERED:
            self._tenants = {
                name: tenant
                for name, tenant in self._tenants.items()
                if tenant.size or tenant.eligible > self._now
            }
