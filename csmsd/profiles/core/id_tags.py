"""idTags: who may charge (C 4.1, 4.8, 7.27)."""

from typing import ClassVar

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import AuthorizationStatus, IdTagInfo
from csmsd.profiles.record import Milliseconds, Record

MAX_ID_TAG = 20


class IdTag(Record, kw_only=True):
    """A card or the like. `max_transactions` None: as many at once as its owner likes.

    `labels` choose the Local Authorization Lists that it goes to: those of charge points with one of these labels, or,
    without any, all of them.
    """

    table: ClassVar[str] = "id_tag"
    key: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    parent: str | None = None
    expires_at: Milliseconds | None = None
    blocked: bool = False
    max_transactions: int | None = None
    note: str | None = None
    labels: list[str] = []
    created_at: Milliseconds


def authorization_status_of_id_tag(
    tag: IdTag | None, now: Milliseconds, *, unknown: AuthorizationStatus
) -> AuthorizationStatus:
    """Whether the tag may charge now; concurrent transactions are StartTransaction's question (C 7.2)."""
    if tag is None:
        return unknown
    if tag.blocked:
        return "Blocked"
    if tag.expires_at is not None and tag.expires_at <= now:
        return "Expired"
    return "Accepted"


def id_tag_info(tag: IdTag | None, status: AuthorizationStatus) -> IdTagInfo:
    """What a charge point is told: the status, and for a known tag its expiry and parent (CE 3.73)."""
    if tag is None:
        return IdTagInfo(status=status)
    return IdTagInfo(
        status=status,
        expiry_date=None if tag.expires_at is None else format_timestamp(tag.expires_at),
        parent_id_tag=tag.parent,
    )
