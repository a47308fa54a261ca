"""What `watch` shows on a terminal. Everything but `terminal.py` and `live.py` is pure."""
