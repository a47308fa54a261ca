"""csmsd: the daemon of csms, a Central System for OCPP 1.6-J."""

__version__ = "0.1.0"
