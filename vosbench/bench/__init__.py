"""A run: what is asked for, made ready, carried out, scored and recorded."""
