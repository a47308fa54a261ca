"""The certification self-test: 75 cases against a private csmsd, whose operator is csmsctl itself."""
