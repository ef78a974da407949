"""What a run measured, as records on disk, and every table and figure as a pure function of them. Free of torch."""
