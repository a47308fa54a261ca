"""The edge towards operators: the Unix socket, JSON-RPC 2.0, subscriptions. docs/control-protocol.md describes it."""
