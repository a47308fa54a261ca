"""What energy and time cost: tariffs, exact prices, reports that state their gaps, and how far an export is."""
