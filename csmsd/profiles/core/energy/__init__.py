"""What a transaction's energy comes to, from all that was measured and told of it; `verdict` says it."""
