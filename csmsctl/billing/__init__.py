"""What energy and time cost: tariffs from a file, exact prices, and reports that state their gaps."""
