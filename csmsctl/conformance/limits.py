"""What the certificate allows."""

from typing import Final

# "Response time: … 30 s allowed", for OCPP answers and for Authorize.
SECONDS_ALLOWED: Final = 30.0
