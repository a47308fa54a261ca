"""What stands on a command line: global options, targets, times, JSON, and parameters that many commands share."""
