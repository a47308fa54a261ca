"""Problems: what wants an operator's attention, the one room that says so."""
