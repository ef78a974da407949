"""Strategies over recorded keys: what a memory would hold, without value encoder or decoder.

Keys depend on the image only. So a strategy that decides by hits, weights or keys decides over a recorded trace of
keys just as it does while the model segments, and hundreds of settings can share one affinity.
"""
