"""What a matching network remembers: attention over a bank of slots, and the contract of a strategy."""
