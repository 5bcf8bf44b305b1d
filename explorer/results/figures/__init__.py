"""The figures of the report, in the paper's order, and their style."""
