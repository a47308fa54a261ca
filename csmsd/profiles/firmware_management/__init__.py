"""Firmware Management (C 4.4, 4.5, 5.9, 5.19): updates and diagnostics, each followed to its end."""
