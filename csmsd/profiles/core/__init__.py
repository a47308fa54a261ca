"""Core (C 4, 5): boot, authorization, transactions, meter values, availability, configuration, data transfer."""
