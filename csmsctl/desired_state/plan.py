"""The difference between what charge points are to have and what they have: asked for, or as they reported it last."""

from collections.abc import Sequence
from dataclasses import dataclass

from csmsctl.desired_state.comparison import Comparison, compare_configuration
from csmsctl.desired_state.document import DesiredState, Wanted, wanted_by_document
from csmsctl.desired_state.fleet import for_each_of_fleet
from csmsctl.desired_state.history import Reboots
from csmsctl.display.table import Record
from csmsctl.failure import NOT_CONNECTED, NOT_THERE, OK, OTHER, SOME_FAILED
from csmsctl.invocation import Invocation
from csmsctl.link.client import Client, Result
from csmsctl.operations.request import exit_code_of_request
from csmsctl.records.configurations import ask_configuration, remembered_configuration


@dataclass(frozen=True)
class Plan:
    """What is to be done with one charge point. A `problem` is why it could not be asked, with its exit code."""

    charge_point: str
    connected: bool = False
    keys: Sequence[Comparison] = ()
    reported_at: str | None = None  # of keys that were remembered, not asked for
    problem: str | None = None
    code: int = OK

    @property
    def differences(self) -> list[Comparison]:
        return [key for key in self.keys if key.state != "same"]

    @property
    def changes(self) -> list[Comparison]:
        """What is to be sent; nothing to one that could not be asked."""
        return [key for key in self.keys if key.can_change and self.code == OK]

    def rows(self) -> list[Record]:
        """The differences as records."""
        return [
            {
                "charge_point": self.charge_point,
                "key": key.key,
                "current": key.current,
                "wanted": key.wanted,
                "from": key.origin,
                "state": key.state,
                "needs_reboot": key.needs_reboot,
                "connected": self.connected,
            }
            for key in self.differences
        ]

    def summary(self) -> Record:
        return {
            "charge_point": self.charge_point,
            "connected": self.connected,
            "same": len(self.keys) - len(self.differences),
            "differences": len(self.differences),
            "reported_at": self.reported_at,
            "problem": self.problem,
        }


def make_plans(
    run: Invocation, state: DesiredState, targets: list[str] | None, *, parallel: int, cached: bool = False
) -> list[Plan]:
    """A plan for each target that the state says something about; without targets for all that it does."""
    charge_points: list[Result] = run.call("charge_point.list", targets=targets)["charge_points"]
    wanted = {one["id"]: wanted_by_document(state, one["id"], one["labels"]) for one in charge_points}
    chosen = [one for one in charge_points if wanted[one["id"]]]
    for one in charge_points if targets else ():
        if not wanted[one["id"]]:
            run.output.note(f"The file says nothing about {one['id']}.")
    known = {one["id"]: one for one in chosen}
    reboots = Reboots(run.client, chosen)

    def make(client: Client, identity: str) -> Plan:
        return _make_plan(client, known[identity], wanted[identity], reboots, cached=cached)

    made = [plan for plan in for_each_of_fleet(run, list(known), make, parallel=parallel) if plan is not None]
    return made if targets else made + _plans_of_unregistered(run, state, charge_points)


def _make_plan(
    client: Client, charge_point: Result, wanted: dict[str, Wanted], reboots: Reboots, *, cached: bool
) -> Plan:
    identity, connected = charge_point["id"], charge_point["connected"]
    reported_at, problem, code = None, None, OK
    report = None
    if connected and not cached:
        report, failed = ask_configuration(client, identity, [want.key for want in wanted.values()])
        if failed is not None:
            problem = f"it could not be asked ({failed.get('error') or failed.get('outcome')})"
            code = exit_code_of_request([failed])
            report = None
    elif not cached:
        problem, code = "it is not connected", NOT_CONNECTED
    if report is None:
        report, reported_at = remembered_configuration(client, identity)
        if not report.keys:
            problem = f"{problem or 'it was not asked'}, and what it has is not known here"
            return Plan(identity, connected, problem=problem, code=code or OTHER)
    keys = compare_configuration(wanted, report, pending=reboots.pending(identity), reboots=reboots.keys(identity))
    return Plan(identity, connected, keys, reported_at, problem, code)


def _plans_of_unregistered(run: Invocation, state: DesiredState, charge_points: list[Result]) -> list[Plan]:
    """What the file names and csmsd does not know."""
    labels = {label.casefold() for one in charge_points for label in one["labels"]}
    for label in state.labels:
        if label.casefold() not in labels:
            run.output.warn(f"No charge point has the label {label}, which the file names.")
    known = {one["id"].casefold() for one in charge_points}
    return [
        Plan(name, problem="it is not registered", code=NOT_THERE)
        for name in state.charge_points
        if name.casefold() not in known
    ]


def plan_code(made: Sequence[Plan]) -> int:
    """1 where something differs; else why a charge point could not be asked, 9 for some of several; else 0."""
    if any(plan.differences for plan in made):
        return OTHER
    codes = [plan.code for plan in made if plan.code != OK]
    if not codes:
        return OK
    return SOME_FAILED if len(made) > 1 else codes[0]
