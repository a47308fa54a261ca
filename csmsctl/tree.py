"""The command tree: which commands there are, and where. Nothing is imported before it is asked for.

The commands of OCPP are not listed here: each is declared in its slice (csmsd/profiles) and made by
`operations/declared.py`.
"""

from typing import Any

from csmsctl.groups import Entry, LazyGroup, Section, build_command_of_entry, group, write_global_options_of_groups

_HERE = "csmsctl.commands"

_CP = Section(
    "Charge points: register, look at, change, remove.",
    {
        "list": Entry(f"{_HERE}.charge_points:charge_point_list_command", "csmsctl cp list 'north-*'"),
        "show": Entry(f"{_HERE}.charge_points:charge_point_show_command", "csmsctl cp show CP1"),
        "add": Entry(
            f"{_HERE}.charge_point_changes:charge_point_add_command",
            "csmsctl cp add CP1 --label north --generate-password",
            calls=("charge_point.add",),
        ),
        "set": Entry(
            f"{_HERE}.charge_point_changes:charge_point_set_command",
            "csmsctl cp set CP1 --label south --note 'level 2'",
            calls=("charge_point.set",),
        ),
        "remove": Entry(
            f"{_HERE}.charge_point_changes:charge_point_remove_command",
            "csmsctl cp remove CP1",
            calls=("charge_point.remove",),
        ),
        "pending": Entry(f"{_HERE}.charge_points:charge_point_pending_command", "csmsctl cp pending"),
        "accept": Entry(
            f"{_HERE}.charge_point_changes:charge_point_accept_command",
            "csmsctl cp accept CP1",
            calls=("charge_point.accept",),
        ),
        "test": Entry(
            "csmsctl.commissioning.command:commissioning_command",
            "csmsctl cp test CP1 --suite quick --report cp1.md",
            calls=("operation.run",),
        ),
        "rotate-key": Entry(
            f"{_HERE}.securing:charge_point_rotate_key_command",
            "csmsctl cp rotate-key CP1",
            calls=("charge_point.rotate_key",),
        ),
        "secure": Entry(
            f"{_HERE}.securing:charge_point_secure_command",
            "csmsctl cp secure @garage --to 2 --wait",
            calls=("charge_point.secure",),
        ),
        "disconnect": Entry(
            f"{_HERE}.charge_point_changes:charge_point_disconnect_command",
            "csmsctl cp disconnect CP1",
            calls=("charge_point.disconnect",),
        ),
    },
)
_TAG = Section(
    "idTags: who may charge.",
    {
        "list": Entry(f"{_HERE}.tags:tag_list_command", "csmsctl tag list --status Blocked"),
        "show": Entry(f"{_HERE}.tags:tag_show_command", "csmsctl tag show A1B2C3"),
        "unknown": Entry(f"{_HERE}.tags:tag_unknown_command", "csmsctl tag unknown"),
        "add": Entry(
            f"{_HERE}.tags:tag_add_command",
            "csmsctl tag add A1B2C3 --expires +52w --note 'Ms Jones'",
            calls=("tag.add",),
        ),
        "set": Entry(
            f"{_HERE}.tags:tag_set_command", "csmsctl tag set A1B2C3 --max-transactions 1", calls=("tag.set",)
        ),
        "block": Entry(f"{_HERE}.tags:tag_block_command", "csmsctl tag block A1B2C3", calls=("tag.block",)),
        "unblock": Entry(f"{_HERE}.tags:tag_unblock_command", "csmsctl tag unblock A1B2C3", calls=("tag.unblock",)),
        "remove": Entry(f"{_HERE}.tags:tag_remove_command", "csmsctl tag remove A1B2C3", calls=("tag.remove",)),
        "import": Entry(f"{_HERE}.tag_files:tag_import_command", "csmsctl tag import tags.csv", calls=("tag.import",)),
        "export": Entry(f"{_HERE}.tag_files:tag_export_command", "csmsctl tag export --output tags.csv"),
    },
)
_TX = Section(
    "Transactions: what was charged, by whom, where.",
    {
        "list": Entry(f"{_HERE}.transactions:transaction_list_command", "csmsctl tx list --state active"),
        "show": Entry(f"{_HERE}.transactions:transaction_show_command", "csmsctl tx show 1"),
        "explain": Entry(f"{_HERE}.explanation:explain_transaction_command", "csmsctl tx explain 1"),
        "close": Entry(
            f"{_HERE}.transactions:transaction_close_command",
            "csmsctl tx close 1 --reason 'meter replaced'",
            calls=("transaction.close",),
        ),
        "reckon": Entry(f"{_HERE}.energy_reckoning:transaction_reckon_command", "csmsctl tx reckon 1"),
        "settle": Entry(
            f"{_HERE}.energy_reckoning:transaction_settle_command",
            "csmsctl tx settle 1 --energy 4.2kWh --reason 'as read there'",
            calls=("transaction.settle",),
        ),
        "meter": Entry(f"{_HERE}.transactions:transaction_meter_command", "csmsctl tx meter 1 --csv"),
        "export": Entry(
            f"{_HERE}.transaction_export:transaction_export_command",
            "csmsctl tx export --since -31d --output october.csv",
        ),
        "orphans": Entry(f"{_HERE}.transactions:transaction_orphans_command", "csmsctl tx orphans"),
        "dismiss": Entry(
            f"{_HERE}.transactions:transaction_dismiss_command",
            "csmsctl tx dismiss 1 --reason 'billed by hand'",
            calls=("transaction.dismiss",),
        ),
    },
)
_EXPORT = Section(
    "Exports that go on where the last one stopped.",
    {
        "transactions": Entry(
            f"{_HERE}.transaction_export:export_transactions_command",
            "csmsctl export transactions --after-cursor billing.cursor --output new.csv",
            calls=("export.delivered",),
        ),
    },
)
_RESERVATION = Section(
    "Reservations: what was reserved, for whom, until when.",
    {
        "list": Entry(f"{_HERE}.reservations:reservation_list_command", "csmsctl reservation list --state reserved"),
        "show": Entry(f"{_HERE}.reservations:reservation_show_command", "csmsctl reservation show 1"),
    },
)
_LOCAL_LIST = Section(
    "Local Authorization Lists: the idTags that charge points know by themselves.",
    {
        "status": Entry(f"{_HERE}.local_lists:local_list_status_command", "csmsctl local-list status"),
        "show": Entry(f"{_HERE}.local_lists:local_list_show_command", "csmsctl local-list show CP1"),
        "sync": Entry(
            f"{_HERE}.local_lists:local_list_sync_command", "csmsctl local-list sync --all", calls=("local_list.sync",)
        ),
    },
)
_PROFILE = Section(
    "Charging profiles: the library, what is installed, and which limits hold when.",
    {
        "list": Entry(f"{_HERE}.charging_profiles:charging_profile_list_command", "csmsctl profile list"),
        "show": Entry(f"{_HERE}.charging_profiles:charging_profile_show_command", "csmsctl profile show night"),
        "add": Entry(
            f"{_HERE}.charging_profiles:charging_profile_add_command",
            "csmsctl profile add night --daily 22:00-06:00=32A,06:00-22:00=8A",
            calls=("profile.add",),
        ),
        "remove": Entry(
            f"{_HERE}.charging_profiles:charging_profile_remove_command",
            "csmsctl profile remove night",
            calls=("profile.remove",),
        ),
        "installed": Entry(
            f"{_HERE}.charging_profiles:charging_profile_installed_command", "csmsctl profile installed CP1"
        ),
        "preview": Entry(
            f"{_HERE}.composite_schedules:composite_schedule_preview_command",
            "csmsctl profile preview CP1 --connector 1 --with night",
        ),
        "verify": Entry(
            f"{_HERE}.composite_schedules:composite_schedule_verify_command",
            "csmsctl profile verify CP1 --connector 1",
            calls=("profile.verify",),
        ),
        "reassert": Entry(
            f"{_HERE}.charging_profiles:charging_profile_reassert_command",
            "csmsctl profile reassert CP1",
            calls=("profile.reassert",),
        ),
    },
)
_CIRCUIT = Section(
    "Circuits: fused lines with their limits, and the connectors that hang on them.",
    {
        "list": Entry(f"{_HERE}.circuits:circuit_list_command", "csmsctl circuit list"),
        "show": Entry(f"{_HERE}.circuits:circuit_show_command", "csmsctl circuit show main"),
        "add": Entry(
            f"{_HERE}.circuits:circuit_add_command",
            "csmsctl circuit add garage --parent main --limit 32A",
            calls=("circuit.add",),
        ),
        "set": Entry(
            f"{_HERE}.circuits:circuit_set_command",
            "csmsctl circuit set main --timetable 17:00-20:00=40A",
            calls=("circuit.set",),
        ),
        "remove": Entry(
            f"{_HERE}.circuits:circuit_remove_command", "csmsctl circuit remove garage", calls=("circuit.remove",)
        ),
        "member": Entry(
            f"{_HERE}.circuits:circuit_member_command",
            "csmsctl circuit member add main north-1 --connector 1 --rating 16A",
            calls=("circuit.add_member", "circuit.remove_member"),
        ),
        "limit": Entry(
            f"{_HERE}.circuits:circuit_limit_command",
            "csmsctl circuit limit main 25A --until +1h",
            calls=("circuit.limit",),
        ),
        "reading": Entry(
            f"{_HERE}.circuits:circuit_reading_command",
            "csmsctl circuit reading main --l1 12.4 --l2 8 --l3 9.1",
            calls=("circuit.measure",),
        ),
        "export": Entry(f"{_HERE}.circuits:circuit_export_command", "csmsctl circuit export --output circuits.toml"),
        "import": Entry(
            f"{_HERE}.circuits:circuit_import_command",
            "csmsctl circuit import circuits.toml --dry-run",
            calls=("circuit.import",),
        ),
    },
)
_LOAD = Section(
    "Load management: what is on the circuits now, and what each member may draw.",
    {
        "status": Entry(f"{_HERE}.load:load_status_command", "csmsctl load status"),
        "explain": Entry(f"{_HERE}.load:load_explain_command", "csmsctl load explain north-1 --connector 1"),
        "manner": Entry(
            f"{_HERE}.load:load_manner_command",
            "csmsctl load manner north-1 --pause one_ampere",
            calls=("load.manner",),
        ),
        "priority": Entry(
            f"{_HERE}.load:load_priority_command",
            "csmsctl load priority --tag A1B2C3 --weight 3",
            calls=("load.prioritize",),
        ),
        "plan": Entry(f"{_HERE}.load:load_plan_command", "csmsctl load plan circuits.toml"),
        "pause": Entry(f"{_HERE}.load:load_pause_command", "csmsctl load pause --until +1h", calls=("load.pause",)),
        "resume": Entry(f"{_HERE}.load:load_resume_command", "csmsctl load resume", calls=("load.resume",)),
    },
)
_FIRMWARE = Section(
    "Firmware: images, updates, rollouts.",
    {
        "list": Entry(f"{_HERE}.firmware:firmware_list_command", "csmsctl firmware list"),
        "add": Entry(
            f"{_HERE}.firmware:firmware_add_command",
            "csmsctl firmware add acme-2.1.bin --version 2.1",
            calls=("firmware.begin", "firmware.write", "firmware.finish"),
        ),
        "remove": Entry(
            f"{_HERE}.firmware:firmware_remove_command",
            "csmsctl firmware remove acme-2.1.bin",
            calls=("firmware.remove",),
        ),
        "status": Entry(f"{_HERE}.firmware:firmware_status_command", "csmsctl firmware status @north"),
        "rollout": Entry(
            f"{_HERE}.firmware:firmware_rollout_command",
            "csmsctl firmware rollout @north --file acme-2.1.bin --canary 1 --parallel 4 --only-idle",
            calls=("rollout.start",),
        ),
    },
)
_ROLLOUT = Section(
    "Rollouts: firmware for many charge points, in stages.",
    {
        "list": Entry(f"{_HERE}.rollouts:rollout_list_command", "csmsctl rollout list"),
        "show": Entry(f"{_HERE}.rollouts:rollout_show_command", "csmsctl rollout show 1"),
        "report": Entry(f"{_HERE}.rollouts:rollout_report_command", "csmsctl rollout report 1 --csv"),
        "pause": Entry(f"{_HERE}.rollouts:rollout_pause_command", "csmsctl rollout pause 1", calls=("rollout.pause",)),
        "resume": Entry(
            f"{_HERE}.rollouts:rollout_resume_command", "csmsctl rollout resume 1", calls=("rollout.resume",)
        ),
        "cancel": Entry(
            f"{_HERE}.rollouts:rollout_cancel_command", "csmsctl rollout cancel 1", calls=("rollout.cancel",)
        ),
    },
)
_DIAGNOSTICS = Section(
    "Diagnostics: the files that charge points brought.",
    {
        "list": Entry(f"{_HERE}.diagnostics:diagnostics_list_command", "csmsctl diagnostics list --charge-point CP1"),
        "status": Entry(f"{_HERE}.diagnostics:diagnostics_status_command", "csmsctl diagnostics status CP1"),
        "get": Entry(
            f"{_HERE}.diagnostics:diagnostics_get_command",
            "csmsctl diagnostics get 1 --output cp1.zip",
            calls=("diagnostics.read",),
        ),
        "remove": Entry(
            f"{_HERE}.diagnostics:diagnostics_remove_command",
            "csmsctl diagnostics remove 1",
            calls=("diagnostics.remove",),
        ),
    },
)
_CONFIG = Section(
    "Configuration: what charge points should have, in a file.",
    {
        "export": Entry(
            f"{_HERE}.configuration:configuration_export_command",
            "csmsctl config export --all > site.toml",
            calls=("operation.run",),
        ),
        "plan": Entry(
            f"{_HERE}.configuration:configuration_plan_command",
            "csmsctl config plan site.toml",
            calls=("operation.run",),
        ),
        "apply": Entry(
            f"{_HERE}.configuration:configuration_apply_command",
            "csmsctl config apply site.toml @north",
            calls=("operation.run",),
        ),
        "drift": Entry(
            f"{_HERE}.configuration:configuration_drift_command",
            "csmsctl config drift site.toml --skip-offline",
            calls=("operation.run",),
        ),
    },
)
_TASK = Section(
    "Tasks: every command that was ever sent, by whom, and what came of it.",
    {
        "list": Entry(f"{_HERE}.tasks:task_list_command", "csmsctl task list --charge-point CP1 --since -1d"),
        "show": Entry(f"{_HERE}.tasks:task_show_command", "csmsctl task show 1"),
        "cancel": Entry(f"{_HERE}.tasks:task_cancel_command", "csmsctl task cancel 1", calls=("task.cancel",)),
        "wait": Entry(f"{_HERE}.tasks:task_wait_command", "csmsctl task wait 1 --timeout 600"),
    },
)
_BACKUP = Section(
    "Backups: the database in a file, made while csmsd runs, and checked.",
    {
        "create": Entry(
            f"{_HERE}.backup:backup_create_command",
            "csmsctl backup create csms-backup.db",
            calls=("backup.begin", "backup.wait", "backup.read", "backup.finish"),
        ),
        "verify": Entry(f"{_HERE}.backup:backup_verify_command", "csmsctl backup verify csms-backup.db", calls=None),
    },
    default="create",
)
_CERT = Section(
    "Certificates: the site's authority, those of charge points, and csmsd's own.",
    {
        "init": Entry(
            f"{_HERE}.certificates:certificate_init_command",
            "csmsctl cert init --name csms.local --name 192.168.1.10 --organization 'My CPO'",
            calls=("certificate.init",),
        ),
        "list": Entry(f"{_HERE}.certificates:certificate_list_command", "csmsctl cert list --expiring 30d"),
        "show": Entry(f"{_HERE}.certificates:certificate_show_command", "csmsctl cert show 1"),
        "sign": Entry(
            f"{_HERE}.certificates:certificate_sign_command",
            "csmsctl cert sign CP1 --csr cp1.csr --output cp1.pem",
            calls=("certificate.sign",),
        ),
        "renew": Entry(
            f"{_HERE}.certificates:certificate_renew_command",
            "csmsctl cert renew",
            calls=("certificate.renew", "operation.run"),
        ),
        "revoke": Entry(
            f"{_HERE}.certificates:certificate_revoke_command",
            "csmsctl cert revoke CP1 --reason 'was stolen'",
            calls=("certificate.revoke",),
        ),
        "export": Entry(
            f"{_HERE}.certificates:certificate_export_command", "csmsctl cert export --output csms-root.pem"
        ),
        "export-ca": Entry(
            f"{_HERE}.certificates:certificate_export_ca_command",
            "csmsctl cert export-ca csms-ca.key",
            calls=("certificate.export_ca",),
        ),
    },
)
_TLS = Section(
    "TLS: what charge points see of csmsd.",
    {
        "check": Entry(f"{_HERE}.tls:tls_check_command", "csmsctl tls check", calls=("tls.check",)),
        "reload": Entry(f"{_HERE}.tls:tls_reload_command", "csmsctl tls reload", calls=("tls.reload",)),
        "hook": Entry(f"{_HERE}.tls:tls_hook_command", "csmsctl tls hook certbot", calls=None),
    },
)
_DAEMON = Section(
    "The daemon itself.",
    {
        "info": Entry(f"{_HERE}.daemon:daemon_info_command", "csmsctl daemon info"),
        "reload": Entry(f"{_HERE}.daemon:daemon_reload_command", "csmsctl daemon reload", calls=("daemon.reload",)),
        "wait-ready": Entry(f"{_HERE}.daemon:daemon_wait_ready_command", "csmsctl daemon wait-ready --timeout 10"),
    },
)

_AUTH = Section(
    "Rights: who you are to csmsd, and what you may do.",
    {
        "can-i": Entry(f"{_HERE}.auth:auth_can_i_command", "csmsctl auth can-i reset CP1"),
        "whoami": Entry(f"{_HERE}.auth:auth_whoami_command", "csmsctl auth whoami"),
    },
)

# Help panel → its commands, in the order of the help.
PANELS: dict[str, dict[str, Entry | Section]] = {
    "Any profile": {
        "call": Entry(
            f"{_HERE}.call:call_command", """csmsctl call CP1 Reset '{"type":"Soft"}'""", calls=("operation.call",)
        ),
    },
    "Records": {
        "status": Entry(f"{_HERE}.status:status_command", "csmsctl status 'north-*'"),
        "explain": Entry(f"{_HERE}.explanation:explain_charge_point_command", "csmsctl explain CP1 --connector 1"),
        "watch": Entry(f"{_HERE}.watch:watch_command", "csmsctl watch @north", alone=True),
        "cp": _CP,
        "tag": _TAG,
        "tx": _TX,
        "reservation": _RESERVATION,
        "profile": _PROFILE,
        "circuit": _CIRCUIT,
        "load": _LOAD,
        "local-list": _LOCAL_LIST,
        "firmware": _FIRMWARE,
        "rollout": _ROLLOUT,
        "diagnostics": _DIAGNOSTICS,
        "config": _CONFIG,
        "task": _TASK,
        "export": _EXPORT,
        "report": Entry(
            f"{_HERE}.report:report_command", "csmsctl report --month last --by parent --tariff tariff.toml"
        ),
        "log": Entry(f"{_HERE}.messages_and_events:message_log_command", "csmsctl log CP1 -f"),
        "events": Entry(f"{_HERE}.messages_and_events:events_command", "csmsctl events -f --json"),
        "security-events": Entry(
            f"{_HERE}.security_events:security_events_command", "csmsctl security-events CP1 --since -1d"
        ),
    },
    "Daemon": {
        "check": Entry(f"{_HERE}.check:check_command", "csmsctl check --critical offline=3 --warning backup_age=26h"),
        "cert": _CERT,
        "tls": _TLS,
        "backup": _BACKUP,
        "prune": Entry(
            f"{_HERE}.prune:prune_command",
            "csmsctl prune meter_values --older-than 400 --dry-run",
            calls=("prune.run", "prune.finish"),
        ),
        "daemon": _DAEMON,
        "auth": _AUTH,
        "audit": Entry(f"{_HERE}.audit:audit_command", "csmsctl audit --refused --since -7d"),
        "rpc": Entry(f"{_HERE}.rpc:rpc_command", """csmsctl rpc transaction.list '{"state":"active"}'"""),
    },
    "Many commands": {
        "shell": Entry("csmsctl.shell.command:shell_command", "csmsctl shell", alone=True),
        "batch": Entry("csmsctl.batch.command:batch_command", "csmsctl batch commands.txt", alone=True),
    },
    "Help": {
        "help": Entry(f"{_HERE}.help_version_completion:help_command", "csmsctl help tx list", alone=True, calls=None),
        "version": Entry(f"{_HERE}.help_version_completion:version_command", "csmsctl version", calls=None),
        "completion": Entry(
            f"{_HERE}.help_version_completion:completion_command", "csmsctl completion bash", alone=True, calls=None
        ),
    },
    "Trying it out": {
        "simulate": Entry("csmsctl.simulator.command:simulate_command", "csmsctl simulate", alone=True, calls=None),
        "conformance": Entry(
            "csmsctl.conformance.command:conformance_command",
            "csmsctl conformance --report report.md",
            alone=True,
            calls=None,
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
        from csmsctl.operations.declared import declared_operation_panels

        return declared_operation_panels() | {panel: list(entries) for panel, entries in PANELS.items()}

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for panel, names in self.panels().items():
            self.write_panel(ctx, formatter, panel, names)
        write_global_options_of_groups(formatter)

    def _load(self, name: str) -> Any:
        for entries in PANELS.values():
            match entries.get(name):
                case Entry() as entry:
                    try:
                        return build_command_of_entry(name, entry)
                    except ModuleNotFoundError as error:
                        if error.name and entry.where.startswith(error.name):
                            return None  # a part of csms that is not installed
                        raise
                case Section() as section:
                    found = group(LazyGroup, name, section.help, section.entries)
                    found.default = section.default
                    return found
        from csmsctl.operations.declared import build_declared_operation

        return build_declared_operation(name)


def tree_root() -> Root:
    """The tree."""
    found = group(
        Root,
        "csmsctl",
        "Steer charge points and look after the records of csmsd, the Central System for OCPP 1.6-J.",
        {},
    )
    assert isinstance(found, Root)
    return found
