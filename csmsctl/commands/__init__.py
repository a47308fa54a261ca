"""The commands that are not operations of OCPP: records, files, the daemon."""
