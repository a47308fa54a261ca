"""What commands print: rows, records, plots and progress, for people and programs, made harmless."""
