"""What stands on a command line: global options, targets, times, and parameters that many commands share."""
