"""What `watch` shows on a terminal. Everything but `keys_and_screen.py` and `live.py` is pure."""
