"""Which values letters find, and in which order."""

from csmsctl.shell.fuzzy import matching


def test_fuzzy_order() -> None:
    values = [(value, "") for value in ("C-X-P", "MYCP", "cp-2", "CXP", "CPX", "other")]
    assert [value for value, _ in matching("cp", values)] == ["cp-2", "CPX", "MYCP", "CXP", "C-X-P"]
    assert matching("", values) == values
