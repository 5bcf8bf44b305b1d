"""The figures of the report, in the paper's order, and how they look."""
