"""Reservation (C 3.11, 5.1, 5.13): keep a connector, or any connector, free for an idTag until a given time."""
