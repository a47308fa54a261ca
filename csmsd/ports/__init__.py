"""What the edges ask of each other without knowing each other, a module a subject; `daemon.py` joins them."""
