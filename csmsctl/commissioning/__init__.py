"""`cp test`: leads through a new charge point, step by step, and reports what works and what does not."""
