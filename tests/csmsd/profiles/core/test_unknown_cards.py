"""Cards that nobody has added."""

from csmsd.profiles.core.unknown_cards import MOST, UnknownCards


def test_the_last_one_comes_first_and_is_counted() -> None:
    cards = UnknownCards()
    for at, tag in enumerate(["A1", "B2", " a1 "]):
        cards.held(tag, f"CP{at}", at, "Invalid")
    assert [(card.id_tag, card.charge_point, card.attempts) for card in cards] == [(" a1 ", "CP2", 2), ("B2", "CP1", 1)]


def test_a_flood_takes_no_memory_and_leaves_the_newest() -> None:
    cards = UnknownCards()
    for at in range(MOST + 50):
        cards.held(f"T{at}", "CP1", at, "Invalid")
    assert len(list(cards)) == MOST
    assert next(iter(cards)).id_tag == f"T{MOST + 49}"
