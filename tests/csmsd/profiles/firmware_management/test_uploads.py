"""Which upload a status is about, and which are kept in mind."""

import pytest

from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload, UploadKind, Uploads


def upload(number: int, kind: UploadKind, state: str = "requested", by: str = "CP1") -> DiagnosticsUpload:
    return DiagnosticsUpload(
        id=number, charge_point=by, created_at=0, changed_at=0, deadline_at=1, location="", state=state, kind=kind
    )


def book(*uploads: DiagnosticsUpload) -> Uploads:
    found = Uploads()
    for one in uploads:
        found.add(one)
    return found


@pytest.mark.parametrize(
    ("number", "log", "found"),
    [
        (None, True, 3),
        (None, False, 1),
        (2, True, 2),
        (2, False, 2),
        (99, True, 3),
        (4, True, 3),  # it was refused: what is told of it is about something else
        (5, True, 3),  # of another charge point
    ],
)
def test_the_one_that_a_status_is_about(number: int | None, log: bool, found: int) -> None:
    known = book(
        upload(1, "diagnostics"),
        upload(2, "security_log"),
        upload(3, "diagnostics_log"),
        upload(4, "security_log", "refused"),
        upload(5, "security_log", by="CP2"),
    )
    reported = known.reported_on("cp1", number, log=log)
    assert reported is not None
    assert reported.id == found


def test_where_there_is_none_of_its_kind_it_is_about_the_newest() -> None:
    known = book(upload(1, "diagnostics"), upload(2, "diagnostics"))
    reported = known.reported_on("CP1", None, log=True)
    assert reported is not None
    assert reported.id == 2
    assert book().reported_on("CP1", 1, log=True) is None
