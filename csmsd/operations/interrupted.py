"""What was under way when the last csmsd ended."""

import logging
from collections.abc import Iterable

import msgspec

from csmsd.live_site import LiveSite
from csmsd.profiles.record import Change
from csmsd.profiles.task import Task

log = logging.getLogger(__name__)

_NOT_KNOWN = "csmsd ended before the answer came; whether it was carried out is not known"


async def settle_what_was_interrupted(tasks: Iterable[Task], live: LiveSite) -> None:
    """A command that was under way when the last daemon ended is never repeated by itself: it is `unknown`.

    An update or upload that it began is waited for, and says so, until its deadline or a report.
    """
    firmware = live.site.firmware
    settled: list[Task] = []
    followed: list[Change] = []
    for task in tasks:
        settled.append(
            msgspec.structs.replace(task, state="settled", outcome="unknown", settled_at=live.now(), error=_NOT_KNOWN)
        )
        for record in (firmware.updates.get(task.id), firmware.uploads.get(task.id)):
            if record is not None and record.state == "requested":
                record.error = _NOT_KNOWN
                followed.append(record)
    if settled:
        log.warning("%d commands were under way when csmsd ended: their outcome is unknown", len(settled))
        await live.keep([*settled, *followed])
