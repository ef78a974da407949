"""The memory strategies, one a file; the file's name, with hyphens, is the strategy's.

Nothing here is imported until it is asked for. A strategy imports from vosbench.memory, vosbench.video and torch
only, and never from another strategy.
"""
