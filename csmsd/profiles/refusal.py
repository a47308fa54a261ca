"""Why a command is not carried out as it was given; slices raise it before anything is sent."""


class CannotSend(Exception):
    """An operation that makes no sense as given; the text says why and what to do instead."""


class NotThere(Exception):
    """A transaction, tag or the like that an operation names and that does not exist."""
