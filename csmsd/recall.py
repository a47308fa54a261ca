"""What memory does not hold of past transactions, looked up on disk before a message about them is handled."""

from csmsd.live_site import LiveSite
from csmsd.ports.store import PastTransactions
from csmsd.profiles.core import booking
from csmsd.profiles.core.transactions import Wanted


class Recall:
    """Brings memory what is on disk."""

    def __init__(self, live: LiveSite, past: PastTransactions) -> None:
        self._live = live
        self._past = past

    async def __call__(self, identity: str, wanted: Wanted) -> None:
        """Looks it up and adds it to the book of that charge point. Raises NotStored when it cannot be looked up."""
        while True:
            site = self._live.site
            await self._live.settled()  # what memory let go of a moment ago may still be on its way to the disk
            found = await self._past.find(identity, wanted)
            if self._live.site is site:  # else more may have been written before memory was loaded anew
                break
        state = site.charge_point(identity)
        if state is not None:
            booking.book_recalled(wanted, found, state.transactions)
