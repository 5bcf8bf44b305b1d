"""The paper's claims that numbers can contradict, and how each of them is judged."""
