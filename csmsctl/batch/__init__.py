"""`csmsctl batch`: many command lines in one process, over one connection."""
