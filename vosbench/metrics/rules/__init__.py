"""Which objects a sequence has, and which of its scored frames count for each: a rule a file (`ObjectRule`)."""
