"""What commands print: rows, records, plots and results, for people and programs, made harmless."""
