"""The parts of the loss lab that `explorer.lab.landscape` is made of, and what is said about its pictures."""
