"""What a token allows, and until when."""

import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from csmsd.files.arrival import Wire
from csmsd.files.grants import Download, Grants, Spent, Upload
from csmsd.files.storage import Storage
from csmsd.live_site import LiveSite
from csmsd.ocpp.secrets import TOKEN_PREFIX
from csmsd.ports.files import StoredFile
from csmsd.ports.store import NotStored
from csmsd.profiles.firmware_management.get_diagnostics import GetDiagnostics
from csmsd.profiles.firmware_management.update_firmware import UpdateFirmware
from csmsd.profiles.record import Change, Event
from tests.csmsd.profiles.firmware_management.firmware_scene import TOKEN, FirmwareScene

PATH = f"/{TOKEN_PREFIX}{TOKEN}/acme-2.1.bin"
MINUTE = 60_000


class Disk:
    """Keeps whatever it is given, as long as there is room."""

    failure = None
    accepting = True
    full = False

    def __init__(self) -> None:
        self.kept: list[Change] = []

    def submit(self, changes: Sequence[Change], done: Callable[[NotStored | None], None]) -> None:
        if self.full:
            done(NotStored("database or disk is full"))
        else:
            self.kept += changes
            done(None)


class House(FirmwareScene):
    """A charge point with a command whose file is hosted here."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.disk = Disk()
        self.told: list[Event] = []
        live = LiveSite(self.disk, self, lambda: self.now, lambda: self.site)  # type: ignore[arg-type]
        live.site = self.site
        storage = Storage(directory, 1_000_000)
        storage.open({"firmware": [], "diagnostics": []})
        self.grants = Grants(live, storage)

    def publish(self, event: Event) -> None:
        self.told.append(event)

    def file(self, data: bytes = b"what went wrong") -> StoredFile:
        intake = self.grants.storage.begin("diagnostics", 1000)
        intake.write(data)
        return intake.finish()

    @property
    def files(self) -> list[str]:
        return [file.name for file in self.grants.storage.directory("diagnostics").iterdir()]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "files")


@pytest.fixture
def updating(house: House) -> House:
    house.command(UpdateFirmware(file="acme-2.1.bin"))
    return house


@pytest.fixture
def uploading(house: House) -> House:
    house.command(GetDiagnostics(), {"fileName": "diag.zip"})
    return house


@pytest.fixture
def wires() -> Iterator[tuple[Wire, socket.socket]]:
    """Our end of a connection, and the charge point's."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as theirs:
        ours, _ = server.accept()
        wire = Wire(ours.fileno())
        yield wire, theirs
        wire.close()
        ours.close()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        f"/{TOKEN}/acme-2.1.bin",
        f"/{TOKEN_PREFIX}/acme-2.1.bin",
        f"/x/{TOKEN_PREFIX}{TOKEN}",
        f"/{TOKEN_PREFIX}{TOKEN}x",
        f"/{TOKEN_PREFIX}{TOKEN[1:]}",
        f"/{TOKEN_PREFIX}{TOKEN.upper()}",
        f"/{TOKEN_PREFIX}{'x' * 1_000_000}",
    ],
)
def test_what_nobody_was_told_allows_nothing(updating: House, path: str) -> None:
    assert updating.grants.find(path) is None


@pytest.mark.parametrize("path", [PATH, PATH.lstrip("/"), f"/{TOKEN_PREFIX}{TOKEN}", f"/{TOKEN_PREFIX}{TOKEN}/a/b"])
def test_the_token_alone_counts(updating: House, path: str) -> None:
    assert updating.grants.find(path) == Download(1, "CP1", "1", 10)


def test_the_token_of_an_update_is_good_until_its_deadline(updating: House) -> None:
    updating.now = updating.update.deadline_at - 1
    assert isinstance(updating.grants.find(PATH), Download)
    assert updating.grants.needed("http")
    updating.now += 1
    assert updating.grants.find(PATH) == Spent()
    assert not updating.grants.needed("http")


def test_the_token_of_an_upload_is_good_until_its_deadline(uploading: House) -> None:
    uploading.now = uploading.upload.deadline_at - 1
    assert uploading.grants.find(PATH) == Upload(1, "CP1")
    assert uploading.grants.needed("http")
    uploading.now += 1
    assert uploading.grants.find(PATH) == Spent()
    assert not uploading.grants.needed("http")


def test_without_its_image_there_is_nothing_to_fetch(updating: House) -> None:
    updating.site.firmware.images.clear()
    assert updating.grants.find(PATH) == Spent()


def test_a_host_is_needed_by_what_speaks_its_protocol_and_may_try_again(updating: House) -> None:
    assert (updating.grants.needed("http"), updating.grants.needed("ftp")) == (True, False)
    updating.send("FirmwareStatusNotification", {"status": "DownloadFailed"})
    failed = updating.now
    updating.now = failed + 10 * MINUTE - 1
    assert updating.grants.needed("http")
    updating.now = failed + 10 * MINUTE
    assert not updating.grants.needed("http")


# --- firmware on its way out


async def test_what_is_under_way_is_needed_and_may_be_cut(updating: House, wires: tuple[Wire, socket.socket]) -> None:
    ours, theirs = wires
    grant = updating.grants.find(PATH)
    assert isinstance(grant, Download)
    assert await updating.grants.begin(grant, 0, 10, ours) is not None
    updating.now = updating.update.deadline_at
    assert updating.grants.needed("ftp"), "a host is not closed under a transfer"
    for other in (2, None, "1"):
        updating.grants.cut(other)
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        theirs.recv(1)
    theirs.settimeout(10)
    updating.grants.cut(1)
    assert theirs.recv(1) == b""


async def test_no_more_bytes_leave_than_may(updating: House, wires: tuple[Wire, socket.socket]) -> None:
    grant = Download(1, "CP1", "1", 10)
    left = updating.update.bytes_left
    assert await updating.grants.begin(grant, 0, left + 1, wires[0]) is None
    assert await updating.grants.begin(grant, 0, left, wires[0]) is not None
    assert await updating.grants.begin(Download(2, "CP1", "1", 10), 0, 1, wires[0]) is None


async def complete(house: House, wire: Wire) -> None:
    """All of the file was sent, and has arrived."""
    delivery = await house.grants.begin(Download(1, "CP1", "1", 10), 0, 10, wire)
    assert delivery is not None
    delivery.at = 10
    await house.grants.end(delivery, 1.0)


async def test_a_file_that_was_fetched_is_noted_once(updating: House, wires: tuple[Wire, socket.socket]) -> None:
    await complete(updating, wires[0])
    assert updating.update.fetched_at == updating.now
    assert updating.disk.kept == [updating.update]
    assert [event.type for event in updating.told] == ["firmware.progress", "firmware.status"]
    assert updating.told[1].data["fetched"] is True
    assert updating.grants.find(PATH) == Spent()


async def test_one_that_asks_anew_has_given_up_what_was_under_way(
    updating: House, wires: tuple[Wire, socket.socket]
) -> None:
    """What left of it counts once, and its end says nothing of the new one."""
    grant, bytes_left = Download(1, "CP1", "1", 10), updating.update.bytes_left
    first = await updating.grants.begin(grant, 0, 10, wires[0])
    assert first is not None
    first.at = 4
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire(ours.fileno())
        second = await updating.grants.begin(grant, 0, 10, wire)
        assert second is not None
        assert updating.update.bytes_left == bytes_left - 4
        await updating.grants.end(first, 1.0)
        assert updating.update.bytes_left == bytes_left - 4
        second.at = 10
        await updating.grants.end(second, 1.0)
        wire.close()
    assert updating.update.bytes_left == bytes_left - 14
    assert updating.update.fetched_at == updating.now


async def test_a_download_that_cannot_be_noted_is_told_to_nobody(
    updating: House, wires: tuple[Wire, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    """The file has arrived all the same: the transfer itself does not fail."""
    updating.disk.full = True
    await complete(updating, wires[0])
    assert "the download of CP1 could not be noted: database or disk is full" in caplog.text
    assert [event.type for event in updating.told] == ["firmware.progress"]
    assert not updating.grants.needed("ftp"), "it is over"


# --- diagnostics on their way in


async def test_what_was_brought_is_kept(uploading: House) -> None:
    file = uploading.file()
    assert await uploading.grants.received(Upload(1, "CP1"), "log.zip", file) is True
    found = uploading.upload
    assert (found.name, found.stored, found.size, found.sha256) == ("log.zip", file.stored, 15, file.sha256)
    assert (found.received_at, found.error) == (uploading.now, None)
    assert uploading.files == [file.stored]
    assert [(event.type, event.data) for event in uploading.told] == [
        ("diagnostics.received", {"upload": 1, "name": "log.zip", "size": 15})
    ]


async def test_a_name_is_text_of_some_length(uploading: House) -> None:
    await uploading.grants.received(Upload(1, "CP1"), "\udcff" + "x" * 1000, uploading.file())
    assert uploading.upload.name == "?" + "x" * 254


@pytest.mark.parametrize("accepting", [True, False])
async def test_the_file_of_what_cannot_be_stored_goes(uploading: House, accepting: bool) -> None:
    """A disk that is known to be full, and one that turns out to be."""
    uploading.disk.full, uploading.disk.accepting = True, accepting
    with pytest.raises(NotStored):
        await uploading.grants.received(Upload(1, "CP1"), "log.zip", uploading.file())
    assert uploading.files == []
    assert uploading.told == []


async def test_the_file_of_who_comes_second_goes(uploading: House) -> None:
    first, second = uploading.file(), uploading.file(b"later")
    assert await uploading.grants.received(Upload(1, "CP1"), "first", first) is True
    assert await uploading.grants.received(Upload(1, "CP1"), "second", second) is False
    assert await uploading.grants.received(Upload(2, "CP1"), "nobody's", uploading.file()) is False
    assert uploading.files == [first.stored]
    assert uploading.upload.name == "first"
