"""Simulated charge points: what `csmsctl simulate` runs, and what tests and demonstrations steer.

`charge_point.py` and all it uses are pure: time and text go in, text comes out. `connection.py` alone opens sockets.
"""
