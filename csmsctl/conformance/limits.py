"""The figures that the certificate allows, and the limits of csmsd that are no settings."""

from typing import Final

from csmsd.charge_points.connection import MAX_UNANSWERED
from csmsd.ocpp.conversation import REMEMBERED_ANSWERS
from csmsd.ocpp.frames import MAX_UNIQUE_ID
from csmsd.profiles.core.charge_points import MAX_CONFIGURATION_KEYS, MAX_CONNECTORS
from csmsd.profiles.core.id_tags import MAX_ID_TAG
from csmsd.profiles.core.transactions import MAX_ACTIVE

# "Response time: … 30 s allowed", for OCPP answers and for Authorize.
SECONDS_ALLOWED: Final = 30.0

LIMITS: Final = {
    "characters_of_an_identity": 48,
    "characters_of_an_id_tag": MAX_ID_TAG,
    "characters_of_a_unique_id": MAX_UNIQUE_ID,
    "connectors_of_a_charge_point": MAX_CONNECTORS,
    "configuration_keys_of_a_charge_point": MAX_CONFIGURATION_KEYS,
    "active_transactions_of_a_charge_point": MAX_ACTIVE,
    "unanswered_requests_of_a_charge_point": MAX_UNANSWERED,
    "remembered_answers_of_a_connection": REMEMBERED_ANSWERS,
}
