"""What happened in a transaction, and why, from all records. Only `gathering.py` looks anything up."""
