"""What the paper says and numbers can contradict, and how each statement is judged."""
