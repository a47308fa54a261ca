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
        "list": Entry(f"{_HERE}.charge_points:charge_point_list_command"),
        "show": Entry(f"{_HERE}.charge_points:charge_point_show_command"),
        "add": Entry(f"{_HERE}.charge_point_changes:charge_point_add_command", calls=("charge_point.add",)),
        "set": Entry(f"{_HERE}.charge_point_changes:charge_point_set_command", calls=("charge_point.set",)),
        "remove": Entry(f"{_HERE}.charge_point_changes:charge_point_remove_command", calls=("charge_point.remove",)),
        "pending": Entry(f"{_HERE}.charge_points:charge_point_pending_command"),
        "accept": Entry(f"{_HERE}.charge_point_changes:charge_point_accept_command", calls=("charge_point.accept",)),
        "test": Entry("csmsctl.commissioning.command:commissioning_command", calls=("operation.run",)),
        "rotate-key": Entry(f"{_HERE}.securing:charge_point_rotate_key_command", calls=("charge_point.rotate_key",)),
        "secure": Entry(f"{_HERE}.securing:charge_point_secure_command", calls=("charge_point.secure",)),
        "disconnect": Entry(
            f"{_HERE}.charge_point_changes:charge_point_disconnect_command", calls=("charge_point.disconnect",)
        ),
    },
)
_TAG = Section(
    "idTags: who may charge.",
    {
        "list": Entry(f"{_HERE}.tags:tag_list_command"),
        "show": Entry(f"{_HERE}.tags:tag_show_command"),
        "unknown": Entry(f"{_HERE}.tags:tag_unknown_command"),
        "add": Entry(f"{_HERE}.tags:tag_add_command", calls=("tag.add",)),
        "set": Entry(f"{_HERE}.tags:tag_set_command", calls=("tag.set",)),
        "block": Entry(f"{_HERE}.tags:tag_block_command", calls=("tag.block",)),
        "unblock": Entry(f"{_HERE}.tags:tag_unblock_command", calls=("tag.unblock",)),
        "remove": Entry(f"{_HERE}.tags:tag_remove_command", calls=("tag.remove",)),
        "import": Entry(f"{_HERE}.tag_files:tag_import_command", calls=("tag.import",)),
        "export": Entry(f"{_HERE}.tag_files:tag_export_command"),
    },
)
_TX = Section(
    "Transactions: what was charged, by whom, where.",
    {
        "list": Entry(f"{_HERE}.transactions:transaction_list_command"),
        "show": Entry(f"{_HERE}.transactions:transaction_show_command"),
        "explain": Entry(f"{_HERE}.explanation:explain_transaction_command"),
        "close": Entry(f"{_HERE}.transactions:transaction_close_command", calls=("transaction.close",)),
        "reckon": Entry(f"{_HERE}.energy_reckoning:transaction_reckon_command"),
        "settle": Entry(f"{_HERE}.energy_reckoning:transaction_settle_command", calls=("transaction.settle",)),
        "meter": Entry(f"{_HERE}.transactions:transaction_meter_command"),
        "export": Entry(f"{_HERE}.transaction_export:transaction_export_command"),
        "orphans": Entry(f"{_HERE}.transactions:transaction_orphans_command"),
        "dismiss": Entry(f"{_HERE}.transactions:transaction_dismiss_command", calls=("transaction.dismiss",)),
    },
)
_EXPORT = Section(
    "Exports that go on where the last one stopped.",
    {
        "transactions": Entry(f"{_HERE}.transaction_export:export_transactions_command", calls=("export.delivered",)),
    },
)
_RESERVATION = Section(
    "Reservations: what was reserved, for whom, until when.",
    {
        "list": Entry(f"{_HERE}.reservations:reservation_list_command"),
        "show": Entry(f"{_HERE}.reservations:reservation_show_command"),
    },
)
_LOCAL_LIST = Section(
    "Local Authorization Lists: the idTags that charge points know by themselves.",
    {
        "status": Entry(f"{_HERE}.local_lists:local_list_status_command"),
        "show": Entry(f"{_HERE}.local_lists:local_list_show_command"),
        "sync": Entry(f"{_HERE}.local_lists:local_list_sync_command", calls=("local_list.sync",)),
    },
)
_PROFILE = Section(
    "Charging profiles: the library, what is installed, and which limits hold when.",
    {
        "list": Entry(f"{_HERE}.charging_profiles:charging_profile_list_command"),
        "show": Entry(f"{_HERE}.charging_profiles:charging_profile_show_command"),
        "add": Entry(f"{_HERE}.charging_profiles:charging_profile_add_command", calls=("profile.add",)),
        "remove": Entry(f"{_HERE}.charging_profiles:charging_profile_remove_command", calls=("profile.remove",)),
        "installed": Entry(f"{_HERE}.charging_profiles:charging_profile_installed_command"),
        "preview": Entry(f"{_HERE}.composite_schedules:composite_schedule_preview_command"),
        "verify": Entry(f"{_HERE}.composite_schedules:composite_schedule_verify_command", calls=("profile.verify",)),
        "reassert": Entry(f"{_HERE}.charging_profiles:charging_profile_reassert_command", calls=("profile.reassert",)),
    },
)
_CIRCUIT = Section(
    "Circuits: fused lines with their limits, and the connectors that hang on them.",
    {
        "list": Entry(f"{_HERE}.circuits:circuit_list_command"),
        "show": Entry(f"{_HERE}.circuits:circuit_show_command"),
        "add": Entry(f"{_HERE}.circuits:circuit_add_command", calls=("circuit.add",)),
        "set": Entry(f"{_HERE}.circuits:circuit_set_command", calls=("circuit.set",)),
        "remove": Entry(f"{_HERE}.circuits:circuit_remove_command", calls=("circuit.remove",)),
        "member": Entry(
            f"{_HERE}.circuits:circuit_member_command", calls=("circuit.add_member", "circuit.remove_member")
        ),
        "limit": Entry(f"{_HERE}.circuits:circuit_limit_command", calls=("circuit.limit",)),
        "reading": Entry(f"{_HERE}.circuits:circuit_reading_command", calls=("circuit.measure",)),
        "export": Entry(f"{_HERE}.circuits:circuit_export_command"),
        "import": Entry(f"{_HERE}.circuits:circuit_import_command", calls=("circuit.import",)),
    },
)
_LOAD = Section(
    "Load management: what is on the circuits now, and what each member may draw.",
    {
        "status": Entry(f"{_HERE}.load:load_status_command"),
        "explain": Entry(f"{_HERE}.load:load_explain_command"),
        "manner": Entry(f"{_HERE}.load:load_manner_command", calls=("load.manner",)),
        "priority": Entry(f"{_HERE}.load:load_priority_command", calls=("load.prioritize",)),
        "plan": Entry(f"{_HERE}.load:load_plan_command"),
        "pause": Entry(f"{_HERE}.load:load_pause_command", calls=("load.pause",)),
        "resume": Entry(f"{_HERE}.load:load_resume_command", calls=("load.resume",)),
    },
)
_FIRMWARE = Section(
    "Firmware: images, updates, rollouts.",
    {
        "list": Entry(f"{_HERE}.firmware:firmware_list_command"),
        "add": Entry(
            f"{_HERE}.firmware:firmware_add_command", calls=("firmware.begin", "firmware.write", "firmware.finish")
        ),
        "remove": Entry(f"{_HERE}.firmware:firmware_remove_command", calls=("firmware.remove",)),
        "status": Entry(f"{_HERE}.firmware:firmware_status_command"),
        "rollout": Entry(f"{_HERE}.firmware:firmware_rollout_command", calls=("rollout.start",)),
    },
)
_ROLLOUT = Section(
    "Rollouts: firmware for many charge points, in stages.",
    {
        "list": Entry(f"{_HERE}.rollouts:rollout_list_command"),
        "show": Entry(f"{_HERE}.rollouts:rollout_show_command"),
        "report": Entry(f"{_HERE}.rollouts:rollout_report_command"),
        "pause": Entry(f"{_HERE}.rollouts:rollout_pause_command", calls=("rollout.pause",)),
        "resume": Entry(f"{_HERE}.rollouts:rollout_resume_command", calls=("rollout.resume",)),
        "cancel": Entry(f"{_HERE}.rollouts:rollout_cancel_command", calls=("rollout.cancel",)),
    },
)
_DIAGNOSTICS = Section(
    "Diagnostics: the files that charge points brought.",
    {
        "list": Entry(f"{_HERE}.diagnostics:diagnostics_list_command"),
        "status": Entry(f"{_HERE}.diagnostics:diagnostics_status_command"),
        "get": Entry(f"{_HERE}.diagnostics:diagnostics_get_command", calls=("diagnostics.read",)),
        "remove": Entry(f"{_HERE}.diagnostics:diagnostics_remove_command", calls=("diagnostics.remove",)),
    },
)
_CONFIG = Section(
    "Configuration: what charge points should have, in a file.",
    {
        "export": Entry(f"{_HERE}.configuration:configuration_export_command", calls=("operation.run",)),
        "plan": Entry(f"{_HERE}.configuration:configuration_plan_command", calls=("operation.run",)),
        "apply": Entry(f"{_HERE}.configuration:configuration_apply_command", calls=("operation.run",)),
        "drift": Entry(f"{_HERE}.configuration:configuration_drift_command", calls=("operation.run",)),
    },
)
_TASK = Section(
    "Tasks: every command that was ever sent, by whom, and what came of it.",
    {
        "list": Entry(f"{_HERE}.tasks:task_list_command"),
        "show": Entry(f"{_HERE}.tasks:task_show_command"),
        "cancel": Entry(f"{_HERE}.tasks:task_cancel_command", calls=("task.cancel",)),
        "wait": Entry(f"{_HERE}.tasks:task_wait_command"),
    },
)
_BACKUP = Section(
    "Backups: the database in a file, made while csmsd runs, and checked.",
    {
        "create": Entry(
            f"{_HERE}.backup:backup_create_command",
            calls=("backup.begin", "backup.wait", "backup.read", "backup.finish"),
        ),
        "verify": Entry(f"{_HERE}.backup:backup_verify_command", calls=None),
    },
    default="create",
)
_CERT = Section(
    "Certificates: the site's authority, those of charge points, and csmsd's own.",
    {
        "init": Entry(f"{_HERE}.certificates:certificate_init_command", calls=("certificate.init",)),
        "list": Entry(f"{_HERE}.certificates:certificate_list_command"),
        "show": Entry(f"{_HERE}.certificates:certificate_show_command"),
        "sign": Entry(f"{_HERE}.certificates:certificate_sign_command", calls=("certificate.sign",)),
        "renew": Entry(f"{_HERE}.certificates:certificate_renew_command", calls=("certificate.renew", "operation.run")),
        "revoke": Entry(f"{_HERE}.certificates:certificate_revoke_command", calls=("certificate.revoke",)),
        "export": Entry(f"{_HERE}.certificates:certificate_export_command"),
        "export-ca": Entry(f"{_HERE}.certificates:certificate_export_ca_command", calls=("certificate.export_ca",)),
    },
)
_TLS = Section(
    "TLS: what charge points see of csmsd.",
    {
        "check": Entry(f"{_HERE}.tls:tls_check_command", calls=("tls.check",)),
        "reload": Entry(f"{_HERE}.tls:tls_reload_command", calls=("tls.reload",)),
        "hook": Entry(f"{_HERE}.tls:tls_hook_command", calls=None),
    },
)
_DAEMON = Section(
    "The daemon itself.",
    {
        "info": Entry(f"{_HERE}.daemon:daemon_info_command"),
        "reload": Entry(f"{_HERE}.daemon:daemon_reload_command", calls=("daemon.reload",)),
        "wait-ready": Entry(f"{_HERE}.daemon:daemon_wait_ready_command"),
    },
)

_AUTH = Section(
    "Rights: who you are to csmsd, and what you may do.",
    {
        "can-i": Entry(f"{_HERE}.auth:auth_can_i_command"),
        "whoami": Entry(f"{_HERE}.auth:auth_whoami_command"),
    },
)

# Help panel → its commands, in the order of the help.
PANELS: dict[str, dict[str, Entry | Section]] = {
    "Any profile": {
        "call": Entry(f"{_HERE}.call:call_command", calls=("operation.call",)),
    },
    "Records": {
        "status": Entry(f"{_HERE}.status:status_command"),
        "explain": Entry(f"{_HERE}.explanation:explain_charge_point_command"),
        "watch": Entry(f"{_HERE}.watch:watch_command", alone=True),
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
        "report": Entry(f"{_HERE}.report:report_command"),
        "log": Entry(f"{_HERE}.messages_and_events:message_log_command"),
        "events": Entry(f"{_HERE}.messages_and_events:events_command"),
        "security-events": Entry(f"{_HERE}.security_events:security_events_command"),
    },
    "Daemon": {
        "check": Entry(f"{_HERE}.check:check_command"),
        "cert": _CERT,
        "tls": _TLS,
        "backup": _BACKUP,
        "prune": Entry(f"{_HERE}.prune:prune_command", calls=("prune.run", "prune.finish")),
        "daemon": _DAEMON,
        "auth": _AUTH,
        "audit": Entry(f"{_HERE}.audit:audit_command"),
        "rpc": Entry(f"{_HERE}.rpc:rpc_command"),
    },
    "Many commands": {
        "shell": Entry("csmsctl.shell.command:shell_command", alone=True),
        "batch": Entry("csmsctl.batch.command:batch_command", alone=True),
    },
    "Help": {
        "help": Entry(f"{_HERE}.help_version_completion:help_command", alone=True, calls=None),
        "version": Entry(f"{_HERE}.help_version_completion:version_command", calls=None),
        "completion": Entry(f"{_HERE}.help_version_completion:completion_command", alone=True, calls=None),
    },
    "Trying it out": {
        "simulate": Entry("csmsctl.simulator.command:simulate_command", alone=True, calls=None),
        "conformance": Entry("csmsctl.conformance.command:conformance_command", alone=True, calls=None),
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
