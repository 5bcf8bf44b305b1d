"""What can go wrong around the program, a kind of fault a module; `benchmarks/torture.py` draws them and counts."""
