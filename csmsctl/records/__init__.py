"""Records and events of csmsd as commands look at them."""
