"""What charge points have, as a file that says what they should have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from csmsctl.desired_state.document import (
    MAX_VALUE,
    DesiredState,
    Settings,
    can_be_key_in_document,
    holds_secret_for_document,
    written_document,
)
from csmsctl.desired_state.factoring import Known, factored
from csmsctl.desired_state.fleet import for_each_of_fleet
from csmsctl.display.escape import escape_text
from csmsctl.display.table import Record
from csmsctl.failure import NOT_CONNECTED, OTHER, Failure
from csmsctl.invocation import Invocation
from csmsctl.link.client import Client, Result
from csmsctl.records.configurations import Report, ask_configuration, remembered_configuration


@dataclass(frozen=True)
class Export:
    """The state, the same of the keys that are read-only, and what must be known of where it comes from."""

    state: DesiredState
    read_only: DesiredState
    notes: Sequence[str]

    def as_record(self) -> Record:
        """In the form of the file."""
        state = self.state
        return {
            "defaults": {"configuration": state.defaults},
            "labels": {name: {"configuration": settings} for name, settings in state.labels.items()},
            "charge_points": {name: {"configuration": settings} for name, settings in state.charge_points.items()},
            "notes": list(self.notes),
        }

    def lines(self, *, all_keys: bool) -> Iterator[str]:
        """The file; with `all_keys` what is read-only as comments."""
        yield "# The configuration that charge points should have. A charge point's own value goes before that of its"
        yield "# labels, and this before the defaults. See: csmsctl config plan, csmsctl config apply"
        for note in self.notes:
            yield f"# {escape_text(note)}"
        yield ""
        yield from _exported_lines(self.state)
        if all_keys:
            yield ""
            yield "# Read-only:"
            for line in _exported_lines(self.read_only):
                yield f"# {line}".rstrip()


def _exported_lines(state: DesiredState) -> list[str]:
    return written_document(state).removesuffix("\n").split("\n")


def exported(run: Invocation, targets: list[str], *, parallel: int) -> Export:
    """Asks those that are connected, and tells of the others. Raises Failure when nothing is known of any of them."""
    chosen: list[Result] = run.call("charge_point.list", targets=targets)["charge_points"]
    everyone: list[Result] = run.call("charge_point.list")["charge_points"]
    connected = {one["id"] for one in chosen if one["connected"]}

    def report(client: Client, identity: str) -> tuple[Report, str | None]:
        return _report_to_export(client, identity, connected=identity in connected)

    found = for_each_of_fleet(run, [one["id"] for one in chosen], report, parallel=parallel)
    reports = [(one, *made) for one, made in zip(chosen, found, strict=True) if made is not None]
    notes = [note for _, _, note in reports if note is not None]
    for note in notes:
        run.output.warn(note)
    known = [(one, report) for one, report, _ in reports if report.keys]
    if not known:
        raise Failure(OTHER if connected else NOT_CONNECTED, "There is nothing to export.")

    # By identity: what else is known of them changes from one list to the next.
    identities = {one["id"] for one in chosen}
    missing = {label.casefold() for one in everyone if one["id"] not in identities for label in one["labels"]}
    whole = {label.casefold() for one in chosen for label in one["labels"]} - missing

    def state(*, readonly: bool) -> DesiredState:
        settings = [
            Known(one["id"], one["labels"], _settings_to_export(report, readonly=readonly)) for one, report in known
        ]
        return factored(settings, everybody=len(chosen) == len(everyone), whole_labels=whole)

    return Export(state(readonly=False), state(readonly=True), notes)


def _report_to_export(client: Client, identity: str, *, connected: bool) -> tuple[Report, str | None]:
    """What it has, and a note when it did not say so itself just now."""
    why = "is not connected"
    if connected:
        report, failed = ask_configuration(client, identity, None)
        if failed is None and report.keys:
            return report, None
        why = "did not answer" if failed is not None else "named no key"
    report, reported_at = remembered_configuration(client, identity)
    if report.keys:
        return report, f"{identity} {why}: as it was reported last, {reported_at}."
    return report, f"{identity} {why}, and what it has is not known here: it is left out."


def _settings_to_export(report: Report, *, readonly: bool) -> Settings:
    """The keys that can be written (or those that cannot), as far as a file can have them: no secrets."""
    return {
        key.name: key.value or ""
        for key in report.keys.values()
        if key.readonly == readonly
        and can_be_key_in_document(key.name)
        and len(key.value or "") <= MAX_VALUE
        and not holds_secret_for_document(key.name, key.value or "")
    }
