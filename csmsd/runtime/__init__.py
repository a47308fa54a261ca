"""What the daemon runs on: its clock and event loop, its sockets, the executables it starts, the service manager."""
