"""Which of two is better, and did it get worse: comparisons and the gate."""
