"""Logs to try."""

from pathlib import Path

from csmsd.store.message_log.log import MessageLog

DAY = 86_400_000


async def opened(
    path: Path, *, max_bytes: int = 10**9, max_age_days: int = 30, now: int | None = 9 * DAY
) -> MessageLog:
    log = MessageLog(path, max_bytes=max_bytes, max_age_days=max_age_days, to_forget_by=lambda: now)
    await log.open()
    return log


async def all_ids(log: MessageLog) -> list[int]:
    return [message.id for message in await log.messages(None, since=None, before_id=None, limit=0)]
