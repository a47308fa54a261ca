"""The settings: what csmsd.toml may say, and how it is read."""
