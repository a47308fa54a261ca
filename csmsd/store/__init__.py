"""The edge towards disk: one SQLite file for state, one writer for it, a second file for the log of messages."""
