"""What goes on by itself: what is over is ended, what is old let go of, what is kept looked through."""
