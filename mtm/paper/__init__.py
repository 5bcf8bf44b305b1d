"""The paper: its tables as numbers, and its grid of experiments to run."""
