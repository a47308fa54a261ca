"""The desired configuration of charge points, kept in a TOML file: read, merged, written, and held against what is."""
