"""The protocols of the public benchmarks: those of a benchmark a file."""
