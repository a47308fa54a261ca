"""A report: what transactions come to, by group, with everything that is no plain fact told apart."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from shlex import quote
from typing import Literal

from csmsctl.billing.pricing import price_with_tax
from csmsctl.billing.tariffs import TariffFile
from csmsctl.display.table import Record
from csmsd.ocpp.identity import fold

Kind = Literal["measured", "estimated", "suspect", "abandoned", "active"]
# What is over, but no plain fact; the others are not over.
DOUBTFUL: tuple[Kind, ...] = ("estimated", "suspect")


def kind_for_billing(transaction: Record) -> Kind:
    """What is to be thought of its figures."""
    flags = transaction["flags"]
    if transaction["state"] in ("active", "abandoned"):
        return "active" if transaction["state"] == "active" else "abandoned"
    if is_settled_for_billing(transaction):
        return "measured"
    if "meter_stop:estimated" in flags:
        return "estimated"
    odd_time = any(flag.startswith(("start_time:", "stop_time:")) for flag in flags)
    return "suspect" if transaction["energy_suspect"] or odd_time else "measured"


# What is odd about a transaction and changes nothing of its figures.
_ODD = {
    "reservation_of": "its connector was reserved for idTag {}",
    "limit_exceeded": "more was drawn than a charging profile allowed",
}


def _odd_for_billing(transaction: Record) -> list[tuple[str, str]]:
    parts = (flag.partition(":") for flag in transaction["flags"])
    return [(kind, detail) for kind, _, detail in parts if kind in _ODD]


def is_settled_for_billing(transaction: Record) -> bool:
    """Whether its figure is an operator's decision, made when all was known."""
    return transaction["settled_at"] is not None and not transaction["energy_suspect"]


def reason_for_billing(transaction: Record) -> str:
    """Why it is no plain fact, in words."""
    match kind_for_billing(transaction):
        case "active":
            return "not over yet"
        case "abandoned":
            return "never stopped; it is billed when it is closed: csmsctl tx close"
        case "estimated":
            return str(transaction["note"] or "the last reading stands for the missing meterStop")
        case "measured" if is_settled_for_billing(transaction):
            return f"settled by {transaction['settled_by']}: {transaction['settled_reason']}"
        case "suspect":
            odd = [flag for flag in transaction["flags"] if flag.startswith(("start_time:", "stop_time:"))]
            return ", ".join([*transaction["doubts"], *odd])
    return "; ".join(_ODD[kind].format(detail) for kind, detail in _odd_for_billing(transaction))


@dataclass
class Sum:
    """Transactions of one kind in one group."""

    transactions: int = 0
    energy_wh: int = 0
    duration_s: int = 0
    priced: Decimal = Decimal(0)

    def add(self, transaction: Record, priced: Decimal | None) -> None:
        self.transactions += 1
        self.energy_wh += transaction["energy_wh"]
        self.duration_s += transaction["duration_s"] or 0
        self.priced += priced or 0


@dataclass
class _Group:
    key: str | None
    counted: Sum = field(default_factory=Sum)
    doubtful: dict[Kind, Sum] = field(default_factory=lambda: {kind: Sum() for kind in DOUBTFUL})

    def line(self, tariffs: TariffFile | None) -> Record:
        line: Record = {"key": self.key, **_billing_figures(self.counted, tariffs, "")}
        for kind, added in self.doubtful.items():
            line |= _billing_figures(added, tariffs, f"{kind}_")
        return line


def billing_report(
    transactions: Iterable[Record],
    *,
    key_of: Callable[[Record], str | None],
    price_of: Callable[[Record], Decimal | None] | None,
    tariffs: TariffFile | None,
    included: Iterable[str] = (),
    unbooked: Iterable[Record] = (),
    unclaimed: Iterable[Record] = (),
) -> Record:
    """`groups`, `total` and `gaps`. Only what is measured counts, and what of the doubtful is to be `included`.

    `unbooked` are messages of the time that belong to no transaction, `unclaimed` is energy that belongs to none: it is
    in no line.
    """
    groups: dict[str | None, _Group] = {}
    gaps: list[Record] = []
    for transaction in transactions:
        kind = kind_for_billing(transaction)
        over = kind not in ("active", "abandoned")
        priced = price_of(transaction) if price_of is not None and over else None
        counts = kind == "measured" or kind in included
        if over:
            key = key_of(transaction)
            group = groups.setdefault(fold(key) if key is not None else None, _Group(key))
            (group.counted if counts else group.doubtful[kind]).add(transaction, priced)
        if is_settled_for_billing(transaction):
            gaps.append(_billing_gap("settled", reason_for_billing(transaction), transaction, priced, included=True))
        elif kind != "measured":
            gaps.append(_billing_gap(kind, reason_for_billing(transaction), transaction, priced, included=counts))
        elif price_of is not None and priced is None:
            gaps.append(_billing_gap("unpriced", "no tariff is for it", transaction, None, included=True))
        elif _odd_for_billing(transaction):
            gaps.append(_billing_gap("odd", reason_for_billing(transaction), transaction, priced, included=True))
    ordered = sorted(groups.values(), key=lambda group: (group.key is None, _billing_order(group.key)))
    lines = [group.line(tariffs) for group in ordered]
    gaps.sort(key=lambda gap: gap["transaction"])
    gaps += [_unbooked_billing_gap(message) for message in unbooked]
    gaps += [_unclaimed_billing_gap(energy) for energy in unclaimed]
    return {"groups": lines, "total": _billing_total(lines, tariffs), "gaps": gaps}


def _billing_figures(added: Sum, tariffs: TariffFile | None, prefix: str) -> Record:
    cost, tax = price_with_tax(tariffs, added.priced) if tariffs is not None else (None, None)
    return {
        f"{prefix}transactions": added.transactions,
        f"{prefix}energy_wh": added.energy_wh,
        f"{prefix}duration_s": added.duration_s,
        f"{prefix}cost": billing_amount(cost, tariffs),
        f"{prefix}tax": billing_amount(tax, tariffs),
    }


def _billing_total(lines: list[Record], tariffs: TariffFile | None) -> Record:
    """The sum of what the lines say, so that it can be checked by hand."""
    total: Record = {}
    for name, nothing in _Group(None).line(tariffs).items():
        if isinstance(nothing, int):
            total[name] = sum(line[name] for line in lines)
        elif name != "key":
            total[name] = (
                billing_amount(sum((Decimal(line[name]) for line in lines), Decimal(0)), tariffs) if nothing else None
            )
    return total


def _billing_gap(kind: str, reason: str, transaction: Record, priced: Decimal | None, *, included: bool) -> Record:
    return {
        "kind": kind,
        "transaction": transaction["id"],
        "message": None,
        "charge_point": transaction["charge_point"],
        "id_tag": transaction["id_tag"],
        "start_time": transaction["start_time"],
        "stop_time": transaction["stop_time"],
        "energy_wh": transaction["energy_wh"],
        "price": str(priced) if priced is not None else None,
        "included": included,
        "reason": reason,
    }


def _unbooked_billing_gap(message: Record) -> Record:
    return dict.fromkeys(("id_tag", "start_time", "stop_time", "energy_wh", "price", "transaction")) | {
        "kind": "not_booked",
        "message": message["id"],
        "charge_point": message["charge_point"],
        "included": False,
        "reason": f"{message['action']}: {message['reason']}; see to it: csmsctl tx orphans, csmsctl tx dismiss",
    }


def _unclaimed_billing_gap(energy: Record) -> Record:
    return dict.fromkeys(("id_tag", "price", "transaction", "message")) | {
        "kind": "unclaimed",
        "charge_point": energy["charge_point"],
        "start_time": energy["since"],
        "stop_time": energy["until"],
        "energy_wh": energy["energy_wh"],
        "included": False,
        "reason": f"it flowed on connector {energy['connector']} without a transaction: its start was lost, or never "
        f"told; see: csmsctl log {quote(energy['charge_point'])}",
    }


def billing_amount(value: Decimal | None, tariffs: TariffFile | None) -> str | None:
    """Money as text, with all its decimals."""
    return None if value is None or tariffs is None else f"{value:.{tariffs.decimals}f}"


def _billing_order(key: str | None) -> tuple[int, str]:
    """Names by the alphabet, numbers by size."""
    text = fold(key or "")
    return (int(text), "") if text.isascii() and text.isdecimal() and len(text) < 18 else (0, text)


FIELDS = tuple(_Group(None).line(None))  # of a line, priced or not
