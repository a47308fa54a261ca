"""The certification self-test: 62 cases against a private csmsd, whose operator is csmsctl itself."""
