"""The player as a film: stepped in a browser without a window, and encoded."""
