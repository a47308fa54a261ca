"""What csmsd answers to a listing, and text that would do harm on a terminal."""

from tests.csmsctl.scripted_daemon import Params

EVIL = "\x1b[31m[bold]\u202e\ud800"


def listing(key: str, *records: Params) -> Params:
    return {"schema_version": 1, key: list(records)}
