"""Tables and figures of simulated strategies (`vosbench simulate`), which have no records."""
