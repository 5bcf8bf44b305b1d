"""Pure functions from arrays to `go.Figure`, and the colours of all pictures; nothing here imports Dash."""
