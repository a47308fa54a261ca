"""The link to csmsd: where its socket is, one client for it, shared where many commands run; a WebSocket to it."""
