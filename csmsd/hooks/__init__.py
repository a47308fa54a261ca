"""Executables of the site: those that answer DataTransfer, and those that are told of events."""
