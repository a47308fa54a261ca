"""From many configurations to a short file, and back again without a difference."""

from hypothesis import given
from hypothesis import strategies as st

from csmsctl.desired_state.comparison import compare_configuration
from csmsctl.desired_state.document import DesiredState, read_document, wanted_by_document, written_document
from csmsctl.desired_state.factoring import Known, factored
from csmsctl.records.configurations import Key, Report


def test_what_is_common_is_said_once() -> None:
    fleet = [
        Known("A", ["north"], {"Interval": "60", "Pre": "true", "Own": "1"}),
        Known("B", ["north"], {"Interval": "60", "Pre": "true"}),
        Known("C", [], {"interval": "60", "Pre": "false"}),
        Known("D", ["south"], {"Interval": "5", "Pre": "false"}),
        Known("E", ["south"], {"Interval": "60", "Pre": "false"}),
    ]
    assert factored(fleet, everybody=True, whole_labels={"north", "south"}) == DesiredState(
        defaults={"Interval": "60", "Pre": "false"},
        labels={"north": {"Pre": "true"}},
        charge_points={"A": {"Own": "1"}, "D": {"Interval": "5"}},
    )


def test_nothing_is_said_of_those_who_are_not_there() -> None:
    fleet = [Known("A", ["north"], {"Interval": "60"}), Known("B", ["north"], {"Interval": "60"})]
    partly = factored(fleet, everybody=False, whole_labels={"north"})
    assert partly == DesiredState(labels={"north": {"Interval": "60"}})
    alone = factored(fleet, everybody=False, whole_labels=set())
    assert alone == DesiredState(charge_points={"A": {"Interval": "60"}, "B": {"Interval": "60"}})
    assert factored(fleet[:1], everybody=True, whole_labels={"north"}).charge_points == {"A": {"Interval": "60"}}


KEYS = st.sampled_from(["Interval", "interval", "Pre", "Data", "x.y"])
VALUES = st.sampled_from(["", "1", "01", "true", "True", "A,B"])


def _one_spelling(settings: dict[str, str]) -> dict[str, str]:
    return dict({key.casefold(): (key, value) for key, value in settings.items()}.values())


FLEETS = st.lists(
    st.tuples(st.lists(st.sampled_from(["north", "south", "deck"]), unique=True), st.dictionaries(KEYS, VALUES)),
    min_size=1,
    max_size=6,
).map(
    lambda rows: [
        Known(f"CP{number}", labels, _one_spelling(settings)) for number, (labels, settings) in enumerate(rows)
    ]
)


@given(FLEETS, st.booleans(), st.sets(st.sampled_from(["north", "south", "deck"])))
def test_export_and_plan_find_no_difference(fleet: list[Known], everybody: bool, whole_labels: set[str]) -> None:
    state = factored(fleet, everybody=everybody, whole_labels=whole_labels)
    again = read_document(written_document(state), "site.toml")
    for known in fleet:
        wanted = wanted_by_document(again, known.identity, known.labels)
        assert {key: want.value for key, want in wanted.items()} == {
            key.casefold(): value for key, value in known.settings.items()
        }
        has = Report({key.casefold(): Key(key, value, False) for key, value in known.settings.items()})
        assert [key for key in compare_configuration(wanted, has) if key.state != "same"] == []
