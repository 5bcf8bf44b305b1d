"""The parts of the loss lab that `explorer.landscape` is made of, and what is said about its pictures."""
