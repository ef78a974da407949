"""Region similarity J, boundary accuracy F, their statistics, and the protocols of the public benchmarks."""
