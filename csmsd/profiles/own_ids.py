"""Numbers that csmsd gives to records of its own."""


class OwnIds:
    """What has them: each is one that no record ever had, since events, people and other records name it by that."""

    def __init__(self) -> None:
        self._last_id = 0

    def begin_ids_after(self, last: int) -> None:
        self._last_id = max(self._last_id, last)

    def new_id(self) -> int:
        self._last_id += 1
        return self._last_id
