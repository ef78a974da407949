"""The masks of any method: scored, checked, packed for a server. Free of torch."""
