"""Which values letters find, and in which order."""

from csmsctl.shell.fuzzy import fuzzy_matching


def test_fuzzy_order() -> None:
    values = [(value, "") for value in ("C-X-P", "MYCP", "cp-2", "CXP", "CPX", "other")]
    assert [value for value, _ in fuzzy_matching("cp", values)] == ["cp-2", "CPX", "MYCP", "CXP", "C-X-P"]
    assert fuzzy_matching("", values) == values
