"""The engine for commands to charge points: what operators ask for, what waits in queues, and what starts by itself."""
