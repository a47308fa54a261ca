"""OCPP 1.6-J as pure code: frames, data types, error codes, and the rules of one connection.

Nothing in this package reads a clock, a socket or a file; it is given text and time and returns events and text.
"""
