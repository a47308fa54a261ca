"""The log of OCPP messages and events: evidence, not state. A second file, that never slows or bloats the first."""
