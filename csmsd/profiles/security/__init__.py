"""The security extension (whitepaper, edition 2): security events, logs, signed firmware, certificates, keys."""
