"""Remote Trigger (C 5.17)."""

from csmsctl.simulator.profiles.profile import Profile, profile_answers
from csmsd.profiles.remote_trigger.trigger_message import TriggerMessageConf, TriggerMessageReq


class RemoteTrigger(Profile):
    """Sends a message of any profile when the Central System asks for it."""

    name = "RemoteTrigger"

    @profile_answers(TriggerMessageReq)
    def trigger_message(self, request: TriggerMessageReq) -> TriggerMessageConf:
        for profile in self.charge_point.profiles:
            trigger = profile.triggers().get(request.requested_message)
            if trigger is not None:
                break
        else:
            return TriggerMessageConf(status="NotImplemented")
        if request.connector_id is not None and request.connector_id not in self.charge_point.connectors:
            return TriggerMessageConf(status="Rejected")
        trigger(request.connector_id)
        return TriggerMessageConf(status="Accepted")
