"""What everything else stands on: whole files, hashes, processes, settings, values as JSON."""
