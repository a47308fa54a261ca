"""Command lines as text, as the shell and batches have them: shell words, JSON objects, and the secrets in them."""
