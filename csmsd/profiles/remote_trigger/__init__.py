"""Remote Trigger (C 5.17): have a charge point send a message now."""
