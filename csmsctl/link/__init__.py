"""The link to csmsd: where its socket is, and one client for it, shared where many commands run."""
