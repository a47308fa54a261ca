"""Firmware, updates, diagnostics and rollouts as operators see them; the keys are a promise."""

from collections import Counter

from csmsd.control.rpc import Json
from csmsd.control.views import time_text
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember
from csmsd.profiles.firmware_management.updates import FirmwareImage, FirmwareUpdate
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload


def firmware_image_view(image: FirmwareImage) -> Json:
    return {
        "name": image.name,
        "size": image.size,
        "sha256": image.sha256,
        "version": image.version,
        "note": image.note,
        "added_at": time_text(image.added_at),
    }


def firmware_update_view(update: FirmwareUpdate) -> Json:
    """Three facts: what the charge point reported, what left our host, what it booted with."""
    return {
        "task": update.id,
        "charge_point": update.charge_point,
        "state": update.state,
        "ended": update.ended,
        "reported": update.reported,
        "file": update.file,
        "location": update.location,
        "created_at": time_text(update.created_at),
        "changed_at": time_text(update.changed_at),
        "retrieve_at": time_text(update.retrieve_at),
        "install_at": time_text(update.install_at),
        "deadline_at": time_text(update.deadline_at),
        "fetched_at": time_text(update.fetched_at),
        "version_before": update.version_before,
        "version_wanted": update.version_wanted,
        "version_after": update.version_after,
        "confirmed": update.confirmed_at is not None,
        "confirmed_at": time_text(update.confirmed_at),
        "error": update.error,
    }


def diagnostics_upload_view(upload: DiagnosticsUpload) -> Json:
    """Two facts: what the charge point reported, and what arrived here."""
    return {
        "task": upload.id,
        "charge_point": upload.charge_point,
        "kind": upload.kind,
        "state": upload.state,
        "ended": upload.ended,
        "reported": upload.reported,
        "hosted": upload.token_hash is not None,
        "location": upload.location,
        "announced": upload.announced,
        "name": upload.name,
        "size": upload.size,
        "sha256": upload.sha256,
        "kept": upload.stored is not None,
        "created_at": time_text(upload.created_at),
        "changed_at": time_text(upload.changed_at),
        "deadline_at": time_text(upload.deadline_at),
        "received_at": time_text(upload.received_at),
        "error": upload.error,
    }


def rollout_view(rollout: Rollout, members: list[RolloutMember], waits_for: str | None) -> Json:
    states = Counter(member.state for member in members)
    return {
        "id": rollout.id,
        "state": rollout.state,
        "reason": rollout.reason,
        "waits_for": waits_for if rollout.state == "running" else None,
        "file": rollout.file,
        "signed": rollout.signature is not None,
        "parallel": rollout.parallel,
        "canary": rollout.canary,
        "only_idle": rollout.only_idle,
        "window": rollout.window,
        "max_failures": rollout.max_failures,
        "user": rollout.user,
        "created_at": time_text(rollout.created_at),
        "ended_at": time_text(rollout.ended_at),
        "charge_points": len(members),
        "waiting": states["waiting"],
        "updating": states["updating"],
        "done": states["done"],
        "failed": states["failed"],
        "cancelled": states["cancelled"],
    }


def rollout_member_view(member: RolloutMember, update: FirmwareUpdate | None, *, canary: bool) -> Json:
    return {
        "charge_point": member.charge_point,
        "state": member.state,
        "canary": canary,
        "task": member.update_id,
        "reported": update.reported if update is not None else None,
        "version_before": update.version_before if update is not None else None,
        "version_after": update.version_after if update is not None else None,
        "confirmed": update is not None and update.confirmed_at is not None,
        "begun_at": time_text(member.begun_at),
        "ended_at": time_text(member.ended_at),
        "note": member.note or (update.error if update is not None else None),
    }
