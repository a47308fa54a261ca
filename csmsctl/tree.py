"""The command tree: which commands there are, and where. Nothing is imported before it is asked for.

The commands of OCPP are not listed here: each is declared in its slice (csmsd/profiles) and made by
`operations/declared.py`.
"""

from typing import Any

from csmsctl.groups import Entry, LazyGroup, Section, build, group, write_global_options

_HERE = "csmsctl.commands"

_CP = Section(
    "Charge points: register, look at, change, remove.",
    {
        "list": Entry(f"{_HERE}.charge_points:list_", "csmsctl cp list 'north-*'"),
        "show": Entry(f"{_HERE}.charge_points:show", "csmsctl cp show CP1"),
        "add": Entry(f"{_HERE}.charge_point_changes:add", "csmsctl cp add CP1 --label north --generate-password"),
        "set": Entry(f"{_HERE}.charge_point_changes:set_", "csmsctl cp set CP1 --label south --note 'level 2'"),
        "remove": Entry(f"{_HERE}.charge_point_changes:remove", "csmsctl cp remove CP1"),
        "pending": Entry(f"{_HERE}.charge_points:pending", "csmsctl cp pending"),
        "accept": Entry(f"{_HERE}.charge_point_changes:accept", "csmsctl cp accept CP1"),
        "test": Entry("csmsctl.commissioning.command:examine", "csmsctl cp test CP1 --suite quick --report cp1.md"),
        "disconnect": Entry(f"{_HERE}.charge_point_changes:disconnect", "csmsctl cp disconnect CP1"),
    },
)
_TAG = Section(
    "idTags: who may charge.",
    {
        "list": Entry(f"{_HERE}.tags:list_", "csmsctl tag list --status Blocked"),
        "show": Entry(f"{_HERE}.tags:show", "csmsctl tag show A1B2C3"),
        "unknown": Entry(f"{_HERE}.tags:unknown", "csmsctl tag unknown"),
        "add": Entry(f"{_HERE}.tags:add", "csmsctl tag add A1B2C3 --expires +52w --note 'Ms Jones'"),
        "set": Entry(f"{_HERE}.tags:set_", "csmsctl tag set A1B2C3 --max-transactions 1"),
        "block": Entry(f"{_HERE}.tags:block", "csmsctl tag block A1B2C3"),
        "unblock": Entry(f"{_HERE}.tags:unblock", "csmsctl tag unblock A1B2C3"),
        "remove": Entry(f"{_HERE}.tags:remove", "csmsctl tag remove A1B2C3"),
        "import": Entry(f"{_HERE}.tag_files:import_", "csmsctl tag import tags.csv"),
        "export": Entry(f"{_HERE}.tag_files:export", "csmsctl tag export --output tags.csv"),
    },
)
_TX = Section(
    "Transactions: what was charged, by whom, where.",
    {
        "list": Entry(f"{_HERE}.transactions:list_", "csmsctl tx list --state active"),
        "show": Entry(f"{_HERE}.transactions:show_", "csmsctl tx show 1"),
        "explain": Entry(f"{_HERE}.explanation:explain", "csmsctl tx explain 1"),
        "close": Entry(f"{_HERE}.transactions:close", "csmsctl tx close 1 --reason 'meter replaced'"),
        "reckon": Entry(f"{_HERE}.reckoning:reckon", "csmsctl tx reckon 1"),
        "settle": Entry(f"{_HERE}.reckoning:settle", "csmsctl tx settle 1 --energy 4.2kWh --reason 'as read there'"),
        "meter": Entry(f"{_HERE}.transactions:meter", "csmsctl tx meter 1 --csv"),
        "export": Entry(f"{_HERE}.transaction_export:export", "csmsctl tx export --since -31d --output october.csv"),
        "orphans": Entry(f"{_HERE}.transactions:orphans", "csmsctl tx orphans"),
        "dismiss": Entry(f"{_HERE}.transactions:dismiss", "csmsctl tx dismiss 1 --reason 'billed by hand'"),
    },
)
_EXPORT = Section(
    "Exports that go on where the last one stopped.",
    {
        "transactions": Entry(
            f"{_HERE}.transaction_export:export_booked",
            "csmsctl export transactions --after-cursor billing.cursor --output new.csv",
        ),
    },
)
_RESERVATION = Section(
    "Reservations: what was reserved, for whom, until when.",
    {
        "list": Entry(f"{_HERE}.reservations:list_", "csmsctl reservation list --state reserved"),
        "show": Entry(f"{_HERE}.reservations:show", "csmsctl reservation show 1"),
    },
)
_LOCAL_LIST = Section(
    "Local Authorization Lists: the idTags that charge points know by themselves.",
    {
        "status": Entry(f"{_HERE}.local_lists:status", "csmsctl local-list status"),
        "show": Entry(f"{_HERE}.local_lists:show", "csmsctl local-list show CP1"),
        "sync": Entry(f"{_HERE}.local_lists:sync", "csmsctl local-list sync --all"),
    },
)
_PROFILE = Section(
    "Charging profiles: the library, what is installed, and which limits hold when.",
    {
        "list": Entry(f"{_HERE}.profiles:list_", "csmsctl profile list"),
        "show": Entry(f"{_HERE}.profiles:show", "csmsctl profile show night"),
        "add": Entry(f"{_HERE}.profiles:add", "csmsctl profile add night --daily 22:00-06:00=32A,06:00-22:00=8A"),
        "remove": Entry(f"{_HERE}.profiles:remove", "csmsctl profile remove night"),
        "installed": Entry(f"{_HERE}.profiles:installed", "csmsctl profile installed CP1"),
        "preview": Entry(
            f"{_HERE}.composite_schedules:preview", "csmsctl profile preview CP1 --connector 1 --with night"
        ),
        "verify": Entry(f"{_HERE}.composite_schedules:verify", "csmsctl profile verify CP1 --connector 1"),
        "reassert": Entry(f"{_HERE}.profiles:reassert", "csmsctl profile reassert CP1"),
    },
)
_FIRMWARE = Section(
    "Firmware: images, updates, rollouts.",
    {
        "list": Entry(f"{_HERE}.firmware:list_", "csmsctl firmware list"),
        "add": Entry(f"{_HERE}.firmware:add", "csmsctl firmware add acme-2.1.bin --version 2.1"),
        "remove": Entry(f"{_HERE}.firmware:remove", "csmsctl firmware remove acme-2.1.bin"),
        "status": Entry(f"{_HERE}.firmware:status", "csmsctl firmware status @north"),
        "rollout": Entry(
            f"{_HERE}.firmware:rollout",
            "csmsctl firmware rollout @north --file acme-2.1.bin --canary 1 --parallel 4 --only-idle",
        ),
    },
)
_ROLLOUT = Section(
    "Rollouts: firmware for many charge points, in stages.",
    {
        "list": Entry(f"{_HERE}.rollouts:list_", "csmsctl rollout list"),
        "show": Entry(f"{_HERE}.rollouts:show", "csmsctl rollout show 1"),
        "report": Entry(f"{_HERE}.rollouts:report", "csmsctl rollout report 1 --csv"),
        "pause": Entry(f"{_HERE}.rollouts:pause", "csmsctl rollout pause 1"),
        "resume": Entry(f"{_HERE}.rollouts:resume", "csmsctl rollout resume 1"),
        "cancel": Entry(f"{_HERE}.rollouts:cancel", "csmsctl rollout cancel 1"),
    },
)
_DIAGNOSTICS = Section(
    "Diagnostics: the files that charge points brought.",
    {
        "list": Entry(f"{_HERE}.diagnostics:list_", "csmsctl diagnostics list --charge-point CP1"),
        "status": Entry(f"{_HERE}.diagnostics:status", "csmsctl diagnostics status CP1"),
        "get": Entry(f"{_HERE}.diagnostics:get", "csmsctl diagnostics get 1 --output cp1.zip"),
        "remove": Entry(f"{_HERE}.diagnostics:remove", "csmsctl diagnostics remove 1"),
    },
)
_CONFIG = Section(
    "Configuration: what charge points should have, in a file.",
    {
        "export": Entry(f"{_HERE}.configuration:export", "csmsctl config export --all > site.toml"),
        "plan": Entry(f"{_HERE}.configuration:plan", "csmsctl config plan site.toml"),
        "apply": Entry(f"{_HERE}.configuration:apply", "csmsctl config apply site.toml @north"),
        "drift": Entry(f"{_HERE}.configuration:drift", "csmsctl config drift site.toml --skip-offline"),
    },
)
_TASK = Section(
    "Tasks: every command that was ever sent, by whom, and what came of it.",
    {
        "list": Entry(f"{_HERE}.tasks:list_", "csmsctl task list --charge-point CP1 --since -1d"),
        "show": Entry(f"{_HERE}.tasks:show", "csmsctl task show 1"),
        "cancel": Entry(f"{_HERE}.tasks:cancel", "csmsctl task cancel 1"),
        "wait": Entry(f"{_HERE}.tasks:wait", "csmsctl task wait 1 --timeout 600"),
    },
)
_BACKUP = Section(
    "Backups: the database in a file, made while csmsd runs, and checked.",
    {
        "create": Entry(f"{_HERE}.backup:create", "csmsctl backup create csms-backup.db"),
        "verify": Entry(f"{_HERE}.backup:verify", "csmsctl backup verify csms-backup.db"),
    },
    default="create",
)
_DAEMON = Section(
    "The daemon itself.",
    {
        "info": Entry(f"{_HERE}.daemon:info", "csmsctl daemon info"),
        "reload": Entry(f"{_HERE}.daemon:reload", "csmsctl daemon reload"),
        "wait-ready": Entry(f"{_HERE}.daemon:wait_ready", "csmsctl daemon wait-ready --timeout 10"),
    },
)

# Help panel → its commands, in the order of the help.
PANELS: dict[str, dict[str, Entry | Section]] = {
    "Any profile": {
        "call": Entry(f"{_HERE}.call:call", """csmsctl call CP1 Reset '{"type":"Soft"}'"""),
    },
    "Records": {
        "status": Entry(f"{_HERE}.status:status", "csmsctl status 'north-*'"),
        "explain": Entry(f"{_HERE}.explanation:explain_charge_point", "csmsctl explain CP1 --connector 1"),
        "watch": Entry(f"{_HERE}.watch:watch", "csmsctl watch @north", alone=True),
        "cp": _CP,
        "tag": _TAG,
        "tx": _TX,
        "reservation": _RESERVATION,
        "profile": _PROFILE,
        "local-list": _LOCAL_LIST,
        "firmware": _FIRMWARE,
        "rollout": _ROLLOUT,
        "diagnostics": _DIAGNOSTICS,
        "config": _CONFIG,
        "task": _TASK,
        "export": _EXPORT,
        "report": Entry(f"{_HERE}.report:report", "csmsctl report --month last --by parent --tariff tariff.toml"),
        "log": Entry(f"{_HERE}.messages:log", "csmsctl log CP1 -f"),
        "events": Entry(f"{_HERE}.messages:events", "csmsctl events -f --json"),
    },
    "Daemon": {
        "check": Entry(f"{_HERE}.check:check", "csmsctl check --critical offline=3 --warning backup_age=26h"),
        "backup": _BACKUP,
        "prune": Entry(f"{_HERE}.prune:prune", "csmsctl prune meter_values --older-than 400 --dry-run"),
        "daemon": _DAEMON,
        "rpc": Entry(f"{_HERE}.rpc:rpc", """csmsctl rpc transaction.list '{"state":"active"}'"""),
    },
    "Many commands": {
        "shell": Entry("csmsctl.shell.command:shell", "csmsctl shell", alone=True),
        "batch": Entry("csmsctl.batch.command:batch", "csmsctl batch commands.txt", alone=True),
    },
    "Help": {
        "help": Entry(f"{_HERE}.assistance:help_", "csmsctl help tx list", alone=True),
        "version": Entry(f"{_HERE}.assistance:version", "csmsctl version"),
        "completion": Entry(f"{_HERE}.assistance:completion", "csmsctl completion bash", alone=True),
    },
    "Trying it out": {
        "simulate": Entry("csmsctl.simulator.command:simulate", "csmsctl simulate", alone=True),
        "conformance": Entry(
            "csmsctl.conformance.command:conformance", "csmsctl conformance --report report.md", alone=True
        ),
    },
}


class Root(LazyGroup):
    """`csmsctl` itself: the commands of this module, and those that the slices of OCPP declare."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for names in self.panels().values() for name in names]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            loaded = self._load(cmd_name)
            if loaded is None:
                return None
            self.commands[cmd_name] = loaded
        return self.commands[cmd_name]

    def panels(self) -> dict[str, list[str]]:
        """Help panel → names: feature profiles first."""
        from csmsctl.operations.declared import operation_panels

        return operation_panels() | {panel: list(entries) for panel, entries in PANELS.items()}

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for panel, names in self.panels().items():
            self.write_panel(ctx, formatter, panel, names)
        write_global_options(formatter)

    def _load(self, name: str) -> Any:
        for entries in PANELS.values():
            match entries.get(name):
                case Entry() as entry:
                    try:
                        return build(name, entry.load(), entry.example, alone=entry.alone)
                    except ModuleNotFoundError as error:
                        if error.name and entry.where.startswith(error.name):
                            return None  # a part of csms that is not installed
                        raise
                case Section() as section:
                    found = group(LazyGroup, name, section.help, section.entries)
                    found.default = section.default
                    return found
        from csmsctl.operations.declared import build_operation

        return build_operation(name)


def root() -> Root:
    """The tree."""
    found = group(
        Root,
        "csmsctl",
        "Steer charge points and look after the records of csmsd, the Central System for OCPP 1.6-J.",
        {},
    )
    assert isinstance(found, Root)
    return found
