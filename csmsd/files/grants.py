"""What a token in a URL allows, and what is kept once it was used. Lives in the event loop of the daemon."""

import logging
from time import monotonic

import msgspec

from csmsd.files.arrival import Wire
from csmsd.files.storage import Storage
from csmsd.live_site import LiveSite
from csmsd.ocpp.secrets import TOKEN_PREFIX
from csmsd.ports.files import StoredFile
from csmsd.ports.store import NotStored
from csmsd.profiles.firmware_management.followed import MAX_KEPT_TEXT
from csmsd.profiles.firmware_management.hosting import Protocol, hosting_token_hash
from csmsd.profiles.record import Event, EventType

log = logging.getLogger(__name__)

_MAY_TRY_AGAIN = 600_000  # ms after it said that it failed
_LATE_ACKNOWLEDGEMENT = 0.2  # seconds; TCP may wait so long with it
_BETWEEN_REPORTS = 0.5  # seconds between two reports of progress


class Download(msgspec.Struct, frozen=True):
    """A file that may be fetched."""

    number: int
    charge_point: str
    stored: str
    size: int


class Upload(msgspec.Struct, frozen=True):
    """A file that may be brought."""

    number: int
    charge_point: str


class Spent(msgspec.Struct, frozen=True):
    """A token that was good once."""


Grant = Download | Upload | Spent


class Grants:
    """The tokens that are good now: those of updates and uploads that are not over."""

    def __init__(self, live: LiveSite, storage: Storage) -> None:
        self._live = live
        self.storage = storage
        self._under_way: dict[int, Delivery] = {}  # by the number of the update

    def find(self, path: str) -> Grant | None:
        """What a path `/token-…[/anything]` allows; None when nobody was ever told it."""
        segment = path.lstrip("/").partition("/")[0]
        if not segment.startswith(TOKEN_PREFIX) or len(segment) > 200:
            return None
        token = hosting_token_hash(segment.removeprefix(TOKEN_PREFIX))
        firmware, now = self._live.site.firmware, self._live.to_expire_by()
        update = firmware.updates.of_token(token)
        if update is not None:
            image = firmware.images.get(update.file or "")
            if update.token_dead or now >= update.deadline_at or image is None:
                return Spent()
            return Download(update.id, update.charge_point, image.stored, image.size)
        upload = firmware.uploads.of_token(token)
        if upload is not None:
            spent = upload.token_dead or now >= upload.deadline_at
            return Spent() if spent else Upload(upload.id, upload.charge_point)
        return None

    def needed(self, protocol: Protocol) -> bool:
        """Whether an update or upload over that protocol is under way, or has failed so lately that it may try again.

        One that tries again later says so before.
        """
        firmware, now = self._live.site.firmware, self._live.to_expire_by()
        return bool(self._under_way) or any(
            record.location.startswith(f"{protocol}://")
            and not (record.token_dead or record.deadline_at <= now)
            and (not record.ended or now < record.changed_at + _MAY_TRY_AGAIN)
            for record in (*firmware.updates.with_token(), *firmware.uploads.with_token())
        )

    def cut(self, update: object) -> None:
        """The token of an update was taken back: what is under way with it ends."""
        delivery = self._under_way.get(update) if isinstance(update, int) else None
        if delivery is not None:
            delivery.wire.cut()

    async def begin(self, grant: Download, start: int, stop: int, wire: Wire) -> "Delivery | None":
        """Bytes of a file are about to leave; None when that are more than may.

        One at a time: a charge point that asks anew has given up what is under way, even where nobody told us.
        """
        while (earlier := self._under_way.get(grant.number)) is not None:
            if earlier.at == earlier.stop:
                await earlier.wire.arrived(_LATE_ACKNOWLEDGEMENT)
            await self._conclude(earlier)
        update = self._live.site.firmware.updates.get(grant.number)
        if update is None or update.token_dead or stop - start > update.bytes_left:
            return None
        delivery = self._under_way[grant.number] = Delivery(grant, start, stop, wire)
        return delivery

    async def end(self, delivery: "Delivery", patience: float) -> None:
        """It is over. Where all of it was sent, its arrival is waited for, `patience` seconds without progress."""
        try:
            if delivery.at == delivery.stop:
                await delivery.wire.arrived(patience)
        finally:  # also when the transfer as a whole takes too long
            await self._conclude(delivery)

    async def _conclude(self, delivery: "Delivery") -> None:
        """Notes what left and arrived, once; the rest does not arrive any more."""
        update = self._live.site.firmware.updates.get(delivery.grant.number)
        if self._under_way.get(delivery.grant.number) is not delivery:
            return
        del self._under_way[delivery.grant.number]
        left = delivery.wire.unacknowledged()
        arrived = left == 0 and delivery.at == delivery.stop
        if not arrived:
            delivery.wire.cut()
        if update is None:
            return
        size, asked, cost = delivery.grant.size, (delivery.start, delivery.stop), delivery.at - delivery.start - left
        state = update.state
        complete = update.left(size, asked, delivery.at, cost=cost, arrived=arrived, now=self._live.now())
        if complete:
            self.progress(delivery.grant, size, size)
        try:
            news = [update.event(fetched=complete)] if complete or update.state != state else []
            await self._live.keep([update], news)
        except NotStored as error:
            log.error("the download of %s could not be noted: %s", update.charge_point, error)

    async def received(self, grant: Upload, name: str, file: StoredFile) -> bool:
        """Keeps what was brought; False, and the file is gone, when another one was faster. Raises NotStored."""
        upload = self._live.site.firmware.uploads.get(grant.number)
        if upload is None or upload.token_dead:
            self.storage.remove("diagnostics", file.stored)
            return False
        try:
            self._live.require()
        except NotStored:
            self.storage.remove("diagnostics", file.stored)
            raise
        now = self._live.now()
        # In memory first: a report that comes meanwhile must not write the row without it.
        upload.name, upload.stored, upload.size, upload.sha256 = (
            name.encode("utf-8", "replace").decode()[:MAX_KEPT_TEXT],  # bytes that are no UTF-8 came as surrogates
            file.stored,
            file.size,
            file.sha256,
        )
        upload.received_at, upload.changed_at, upload.error = now, now, None
        data: dict[str, object] = {"upload": upload.id, "name": upload.name, "size": file.size}
        try:
            await self._live.keep([upload], [Event("diagnostics.received", upload.charge_point, data)])
        except NotStored:
            self.storage.remove("diagnostics", file.stored)
            raise
        return True

    def progress(self, grant: Download | Upload, done: int, total: int | None) -> None:
        """Tells watchers how far a transfer is."""
        out = isinstance(grant, Download)
        kind: EventType = "firmware.progress" if out else "diagnostics.progress"
        data: dict[str, object] = {"update" if out else "upload": grant.number, "bytes": done, "total": total}
        self._live.tell(Event(kind, grant.charge_point, data))


class Delivery:
    """Bytes of a file on their way out, from `start` to before `stop`; `at` says how far they are."""

    def __init__(self, grant: Download, start: int, stop: int, wire: Wire) -> None:
        self.grant = grant
        self.start = self.at = start
        self.stop = stop
        self.wire = wire


class Pace:
    """Says when progress is worth telling."""

    def __init__(self) -> None:
        self._last = monotonic()

    def due(self) -> bool:
        now = monotonic()
        if now - self._last < _BETWEEN_REPORTS:
            return False
        self._last = now
        return True
