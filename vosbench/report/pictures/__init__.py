"""Pictures of masks: drawn on frames, strips of frames for a paper, and frames of a video. Free of torch."""
