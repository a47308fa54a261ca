"""Pieces of a file: which bytes of it are meant, as [from, to) in order and apart from each other."""

Pieces = list[list[int]]

MOST = 1000  # pieces; who asks for a file in such a way gets no more of it counted


def with_piece(pieces: Pieces, start: int, stop: int) -> Pieces:
    """With the bytes from `start` to before `stop`; as they were when that would be too many pieces."""
    if start >= stop:
        return pieces
    result: Pieces = []
    for piece in pieces:
        if piece[1] < start or piece[0] > stop:
            result.append(piece)
        else:
            start, stop = min(start, piece[0]), max(stop, piece[1])
    result = sorted([*result, [start, stop]])
    return result if len(result) <= MOST else pieces


def without_piece(pieces: Pieces, start: int, stop: int) -> Pieces:
    """Without the bytes from `start` to before `stop`."""
    result: Pieces = []
    for first, last in pieces:
        result += [piece for piece in ([first, min(last, start)], [max(first, stop), last]) if piece[0] < piece[1]]
    return result


def total_of_pieces(pieces: Pieces) -> int:
    """How many bytes they are."""
    return sum(stop - start for start, stop in pieces)
