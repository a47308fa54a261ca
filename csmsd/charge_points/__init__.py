"""The edge towards charge points: the listener, who is let in, one connection, and the way of a request."""
