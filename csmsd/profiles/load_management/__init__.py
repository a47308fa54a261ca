"""Load management: several charge points behind one fuse. Circuits, shares, and how a change is made safely. Pure."""
