"""Records of csmsd as commands look at them."""
