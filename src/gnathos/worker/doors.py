"""So many at once for each tenant, whatever others do."""

import asyncio
from weakref import WeakValueDictionary


class Doors:
    """A semaphore for each tenant, which is there while somebody uses it or waits for it."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._doors: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, tenant_id: str) -> asyncio.Semaphore:
        """The tenant's; keep it for as long as it is used."""
        door = self._doors.get(tenant_id)
        if door is None:
            door = self._doors[tenant_id] = asyncio.Semaphore(self._at_once)
        return door
