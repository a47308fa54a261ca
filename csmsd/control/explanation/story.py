"""The story of a transaction, line by line, and what it comes to. Pure: facts in, sentences out."""

from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from csmsd.control.explanation.absences import Absence, absences
from csmsd.control.explanation.commands import (
    BEFORE_MS,
    command_detail,
    command_moment,
    command_that_started,
    command_that_stopped,
    concerns,
)
from csmsd.control.explanation.ending import ending
from csmsd.control.explanation.excesses import excesses
from csmsd.control.explanation.facts import Entry, Facts, Told
from csmsd.control.explanation.in_words import (
    STATUSES,
    flag_in_words,
    kwh_in_words,
    outcome_in_words,
    span_in_words,
    who_in_words,
)
from csmsd.control.explanation.limits import limits_held
from csmsd.control.explanation.pauses import AROUND_MS, pauses, pauses_told
from csmsd.ocpp.identity import fold
from csmsd.profiles.core.energy.doubts import doubt_sentence
from csmsd.profiles.core.energy.verdict import basis_of_verdict_text
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.task import Task

_LATE_MS = 60_000
_MISSED = 3  # readings
_SHORTEST_GAP_MS = 60_000
_SHORTEST_ABSENCE_MS = 1000
_SHORTEST_MS = 1000  # in which energy over time says something
_MOST_LIMITS = 100
_MOST_EXCESSES = 3
_COMES_FIRST = ("daemon", "offline", "boot")
_GOES_DOWN = ("PowerLoss", "Reboot", "HardReset", "SoftReset")  # reasons for an end (C 7.39)
_AFTERWARDS = ("RemoteStopTransaction", "UnlockConnector")  # commands that are about it when it has just ended
_LEADS_TO_IT = ("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE")  # told before StartTransaction by some


class Story:
    """A transaction explained: `entries` in the order of time, `conclusion` and `missing` in sentences."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._start = command_that_started(facts)
        self._stop = command_that_stopped(facts)
        self._since, self._free = self._cause(), self._freed()
        self._limits = limits_held(facts, self._start)
        self._pauses = list(pauses(facts, self._limits))
        self._excesses = excesses(facts, self._limits)
        self._absences = absences(facts)
        self._gaps = list(_gaps(facts))
        # What comes in one millisecond: a connection, a boot, and then what is told over it.
        self.entries = sorted(self._tell(), key=lambda entry: (entry.time, entry.kind not in _COMES_FIRST))

    # --- from when to when

    def _cause(self) -> Milliseconds:
        """When what led to it began: the vehicle was plugged in, its idTag presented, or its start asked for."""
        facts, transaction = self._facts, self._facts.transaction
        causes = [facts.began]
        if self._start is not None:
            causes.append(command_moment(self._start))
        leading = _LEADS_TO_IT if transaction.reservation is None else (*_LEADS_TO_IT, "Reserved")
        for time, status in reversed([known for known in facts.statuses if known[0] <= facts.began]):
            if status not in leading:
                break
            causes.append(time)
        own = [card.time for card in facts.presented if fold(card.id_tag) == fold(transaction.id_tag)]
        before = [time for time in own if time <= transaction.start_received_at]
        return min([*causes, *before[-1:]])

    def _freed(self) -> Milliseconds | None:
        """When its connector was free again, as far as that is known."""
        ends = self._facts.end
        return next((time for time, status in self._facts.statuses if time >= ends and status == "Available"), None)

    def _belongs(self, task: Task) -> bool:
        """Whether a command is a part of it by its time. Clocks differ: what began or ended it always is."""
        facts, received = self._facts, self._facts.transaction.stop_received_at or 0
        until = received if facts.end < received <= facts.end + _LATE_MS else facts.end
        if task.action in _AFTERWARDS:
            until = max(until, min(self._free or until + _LATE_MS, until + _LATE_MS))
        ended_by = self._stop.task if self._stop is not None else None
        return task in (self._start, ended_by) or self._since <= command_moment(task) <= until

    # --- what happened

    def _tell(self) -> Iterator[Entry]:
        yield from self._reservation()
        yield from self._presented()
        yield from self._commands()
        yield from self._beginning()
        yield from self._events()
        yield from self._limit_changes()
        for excess in self._excesses:
            yield Entry(excess.begin, "excess", excess.text, "meter_values")
        for begin, end in self._gaps:
            yield Entry(begin, "gap", f"no meter values for {span_in_words(end - begin)}", "meter_values")
        yield from self._ending()

    def _reservation(self) -> Iterator[Entry]:
        reservation, named = self._facts.reservation, self._facts.transaction.reservation
        if reservation is not None:
            text = f"reservation {reservation.id}: connector {reservation.connector} for idTag {reservation.id_tag}"
            yield Entry(reservation.created_at, "reservation", text, "reservations")
        elif named is not None:
            text = f"it names reservation {named}, which is not on record here"
            yield Entry(self._facts.began, "reservation", text, "transactions")

    def _presented(self) -> Iterator[Entry]:
        for card in self._facts.presented:
            if fold(card.id_tag) != fold(self._facts.transaction.id_tag) and card.status == "Accepted":
                continue  # somebody else's, for another connector; one that was refused may be what came before
            if card.time < self._since - AROUND_MS:
                continue
            answer = "no answer is on record" if card.status is None else f"csmsd answered {card.status}"
            text = f"idTag {card.id_tag} was presented; {answer}"
            yield Entry(card.time, "authorization", text, "messages")

    def _commands(self) -> Iterator[Entry]:
        for task in self._facts.tasks:
            if self._belongs(task) and concerns(task, self._facts):
                waited = command_moment(task) - task.created_at
                before = f", {span_in_words(waited)} before," if waited > _LATE_MS else ""
                asked = f"{who_in_words(task)} asked{before} for {task.action}{command_detail(task, self._facts)}"
                yield Entry(
                    command_moment(task), "command", f"{asked}: {outcome_in_words(task)} (task {task.id})", "tasks"
                )

    def _beginning(self) -> Iterator[Entry]:
        transaction = self._facts.transaction
        text = (
            f"transaction {transaction.id} begins on connector {transaction.connector} with idTag {transaction.id_tag} "
            f"({transaction.id_tag_status}), register {kwh_in_words(transaction.meter_start_wh)}"
        )
        yield Entry(transaction.start_time, "start", text, "transactions")
        late = transaction.start_received_at - transaction.start_time
        if late > _LATE_MS:
            doubted = "start_clock" in self._facts.doubts
            when = "whose time is by a clock that is not believed" if doubted else f"{span_in_words(late)} later"
            text = f"csmsd hears of the beginning, {when}"
            yield Entry(transaction.start_received_at, "start", text, "transactions")

    def _relevant(self) -> Iterator[Told]:
        """Events while it ran. Around that, what its connector did from its cause until it was free, and how a charge
        point came back that had ended it by going down."""
        facts = self._facts
        for event in facts.events:
            over = self._free is not None and event.time > self._free
            if event.type != "connector.status":
                comes_back = facts.transaction.stop_reason in _GOES_DOWN and not over
                if facts.began <= event.time and (event.time <= facts.end or comes_back):
                    yield event
            elif (
                event.data.get("connector") in (0, facts.transaction.connector)
                and self._since <= event.time
                and not over
            ):
                yield event

    def _events(self) -> Iterator[Entry]:
        lost: Milliseconds | None = None
        for event in self._relevant():
            match event.type:
                case "connector.status":
                    yield from self._status(event.time, event.data)
                case "charge_point.disconnected":
                    lost = event.time
                    yield Entry(event.time, "offline", f"the connection ends: {event.data.get('reason')}", "events")
                case "charge_point.connected":
                    again = self._after(lost, event.time)
                    if event.data.get("replaced"):
                        again = ", in place of a connection that it gave up"
                    lost = None
                    yield Entry(event.time, "offline", f"the charge point connects{again}", "events")
                case "charge_point.booted":
                    yield Entry(event.time, "boot", "the charge point has booted", "events")
                case "daemon.stopping":
                    yield Entry(event.time, "daemon", "csmsd is stopped", "events")
                case "daemon.started":
                    away = next((begin for begin, end in self._facts.downs if end == event.time), None)
                    after = f" again, {span_in_words(event.time - away)} later" if away is not None else ""
                    yield Entry(event.time, "daemon", f"csmsd is started{after}", "events")
                case "store.failed":
                    yield Entry(event.time, "daemon", f"csmsd cannot store: {event.data.get('error')}", "events")
                case "store.recovered":
                    yield Entry(event.time, "daemon", "csmsd can store again", "events")

    def _after(self, lost: Milliseconds | None, back: Milliseconds) -> str:
        """How long a charge point was without its connection, and whose fault that was."""
        if any(absence.whose == "csmsd" and absence.end == back for absence in self._absences):
            return " again, now that csmsd is back"
        return f", after {span_in_words(back - lost)} without" if lost is not None else ""

    def _status(self, time: Milliseconds, data: dict[str, object]) -> Iterator[Entry]:
        status = str(data.get("status"))
        text = STATUSES.get(status, status)
        if data.get("connector") == 0:
            if status not in ("Faulted", "Unavailable"):
                return
            text = f"the whole charge point: {text}"
        if data.get("error_code") not in (None, "NoError"):
            text += f", {data['error_code']}"
        if data.get("info"):
            text += f" ({data['info']})"
        pause = next((pause for pause in self._pauses if (pause.told_at, pause.status) == (time, status)), None)
        if pause is not None and pause.limit is not None and pause.limit.stops:
            text += f"; the limit was {pause.limit.text}"
        elif status == "SuspendedEV" and (soc := self._facts.soc_at(time)) is not None:
            text += f"; its battery was at {soc:.0f} %"
        yield Entry(time, "suspended" if status.startswith("Suspended") else "status", text, "events")

    def _limit_changes(self) -> Iterator[Entry]:
        for limit in self._limits[:_MOST_LIMITS]:
            yield Entry(limit.start, "limit", f"limit: {limit.text}", "charging_profiles")

    def _ending(self) -> Iterator[Entry]:
        transaction = self._facts.transaction
        for event in self._facts.events:
            if event.type == "transaction.abandoned" and event.data.get("transaction") == transaction.id:
                text = f"transaction {event.data.get('successor')} begins on its connector: this one is given up"
                yield Entry(event.time, "abandoned", text, "events")
        if transaction.stop_time is None:
            return
        if transaction.state == "closed":
            yield Entry(transaction.stop_time, "closed", transaction.note or "closed by an operator", "transactions")
            return
        by = f", idTag {transaction.stop_id_tag}" if transaction.stop_id_tag else ""
        register = (
            f", register {kwh_in_words(transaction.meter_stop_wh)}" if transaction.meter_stop_wh is not None else ""
        )
        text = f"transaction {transaction.id} ends: {transaction.stop_reason}{by}{register}"
        yield Entry(transaction.stop_time, "stop", text, "transactions")
        received = transaction.stop_received_at
        if received is not None and received - transaction.stop_time > _LATE_MS:
            text = f"csmsd hears of the end, {span_in_words(received - transaction.stop_time)} later"
            yield Entry(received, "stop", text, "transactions")

    # --- what it comes to

    @property
    def conclusion(self) -> list[str]:
        sentences = [
            self._started(),
            *self._reserved(),
            self._delivered(),
            *pauses_told(self._facts, self._pauses),
            *self._exceeded(),
            *self._unseen(),
            *ending(self._facts, self._stop),
        ]
        flags = [
            flag
            for flag in self._facts.transaction.flags
            if not flag.startswith(("abandoned_for", "charge_point_removed", "reservation_of", "limit_exceeded"))
        ]
        return [*sentences, *(flag_in_words(flag) for flag in flags), *self._doubted(), *self._settled()]

    def _doubted(self) -> Iterator[str]:
        """Why its energy is in doubt, and what the figure is based on all the same."""
        facts = self._facts
        yield from (
            doubt_sentence(doubt) for doubt in facts.doubts if doubt != "stop_guessed" or not facts.transaction.guessed
        )
        if facts.doubts and facts.bounds is not None and facts.basis is not None:
            low, high = (kwh_in_words(bound) for bound in facts.bounds)
            yield f"The figure is by {self._basis(facts.basis)}: at least {low}, at most {high}."

    def _basis(self, basis: str) -> str:
        """Registers that are not believed as they stand do not give the figure by their difference."""
        transaction = self._facts.transaction
        start, stop = transaction.meter_start, transaction.stop
        register = stop.register if stop is not None else None
        reckoned = transaction.reckoned_wh if transaction.reckoned_wh is not None else self._facts.energy_wh
        told = None if start is None or register is None else register - start
        if basis == "start_and_stop" and told != reckoned:
            return "the registers of start and stop, as far as they can be right"
        return basis_of_verdict_text(basis)

    def _settled(self) -> Iterator[str]:
        """The operator's decision, and what it stands against."""
        transaction = self._facts.transaction
        if transaction.settled_at is not None and transaction.reckoned_wh is not None:
            yield (
                f"{transaction.settled_by} settled its energy: {kwh_in_words(transaction.energy_wh)} instead of "
                f"{kwh_in_words(transaction.reckoned_wh)} ({transaction.settled_reason})."
            )

    def _started(self) -> str:
        facts, transaction = self._facts, self._facts.transaction
        if self._start is not None:
            return f"{who_in_words(self._start)} started it from afar (task {self._start.id})."
        own = [card for card in facts.presented if fold(card.id_tag) == fold(transaction.id_tag)]
        if own:
            answer = own[-1].status or "nothing that is on record"
            return f"It was started at the charge point with idTag {transaction.id_tag}; csmsd answered {answer}."
        if transaction.start_received_at - facts.lasts_from > _LATE_MS:
            when = "while that was offline" if facts.lasts_from >= facts.registered_at else "before csmsd knew that"
            return f"It was started at the charge point {when}: the charge point decided by itself."
        if not facts.start_is_logged or self._tasks_are_pruned:
            return "How it was started is not known: the records of that time are not kept."
        listed = "; the idTag stands in its Local Authorization List now" if facts.in_local_list else ""
        return f"It was started at the charge point, which did not ask csmsd about the idTag first{listed}."

    def _reserved(self) -> Iterator[str]:
        """C 5.13: a reservation is for one idTag, or for one group."""
        reservation, transaction = self._facts.reservation, self._facts.transaction
        if reservation is None or fold(reservation.id_tag) == fold(transaction.id_tag) or self._facts.of_one_group:
            return
        yield f"Odd: it used reservation {reservation.id}, which was made for idTag {reservation.id_tag}."

    def _delivered(self) -> str:
        facts, transaction = self._facts, self._facts.transaction
        running = transaction.state == "active"
        until = facts.end
        if running and not facts.connected and facts.heard_at is not None:
            until = max(facts.lasts_from, facts.heard_at)
        length = span_in_words(max(0, until - facts.lasts_from))
        text = f"It {'has run' if running else 'ran'} for {length}"
        if running and facts.basis == "nothing":
            return text + "; nothing tells what it has delivered."
        text += f" and delivered {kwh_in_words(facts.energy_wh)}"
        if facts.doubts and (running or transaction.energy_suspect):
            text += " (in doubt)"
        measured = facts.measured_until
        known = "stop_clock" not in facts.doubts or "start_clock" in facts.doubts
        if measured is not None and measured >= facts.lasts_from + _SHORTEST_MS and facts.energy_wh > 0 and known:
            text += f", {facts.energy_wh * 3600 / (measured - facts.lasts_from):.1f} kW on average"
            if until - measured > _LATE_MS:
                text += f" up to the last reading, after {span_in_words(measured - facts.lasts_from)}"
        charge = [reading.soc for reading in facts.measured if reading.soc is not None]
        if len(charge) > 1:
            text += f"; the battery went from {charge[0]:.0f} to {charge[-1]:.0f} %"
        return text + "."

    def _exceeded(self) -> Iterator[str]:
        for excess in self._excesses[:_MOST_EXCESSES]:
            yield f"Odd: {excess.text}. The charge point did not keep it."

    def _unseen(self) -> Iterator[str]:
        down = self._away("csmsd")
        if down >= _SHORTEST_ABSENCE_MS:
            yield f"csmsd was not running for {span_in_words(down)} of it."
        offline = self._away("charge point")
        if offline >= _SHORTEST_ABSENCE_MS:
            yield f"The charge point was offline for {span_in_words(offline)} of it."
        if self._gaps:
            lacking = sum(end - begin for begin, end in self._gaps)
            yield f"No meter values cover {span_in_words(lacking)} of it."

    def _away(self, whose: str) -> Milliseconds:
        away: list[Absence] = [absence for absence in self._absences if absence.whose == whose]
        return sum(absence.length for absence in away)

    @property
    def _tasks_are_pruned(self) -> bool:
        return self._facts.tasks_since is not None and self._facts.tasks_since > self._facts.began - BEFORE_MS

    @property
    def missing(self) -> list[str]:
        """What would have been here, and is not kept any more."""
        facts = self._facts
        sentences = []
        if facts.events_since is None or facts.events_since > max(facts.began, facts.registered_at):
            since = "" if facts.events_since is None or facts.events_since > facts.end else " from its beginning"
            sentences.append(f"Events{since} are not kept any more: statuses and lost connections are missing.")
        if self._tasks_are_pruned:
            sentences.append(
                "Commands of that time are pruned: who asked for what, and which limits held, may be missing."
            )
        if not facts.start_is_logged:
            sentences.append(
                "The messages of its beginning are not kept: whether its idTag was presented is not known."
            )
        if not facts.measured:
            pruned = facts.pruned_at is not None and facts.pruned_at >= facts.transaction.start_received_at
            sentences.append(f"There are no meter values: none were sent{', or they are pruned' if pruned else ''}.")
        return sentences


def _gaps(facts: Facts) -> Iterator[tuple[Milliseconds, Milliseconds]]:
    """Where readings are missing, going by how often they came otherwise."""
    times = sorted(reading.time for reading in facts.measured if facts.began <= reading.time <= facts.end)
    distances = [later - earlier for earlier, later in pairwise(times)]
    if len(distances) < 2:
        return
    longest = max(_MISSED * median(distances), _SHORTEST_GAP_MS)
    for earlier, later in pairwise([facts.began, *times, facts.end]):
        if later - earlier > longest:
            yield earlier, later
