"""The link to csmsd: one client for its socket, shared where many commands run, and the news that come over it."""
