"""lfu: the paper's strategy, least frequently used by top-k index.

Source: Pourganjalikhan and Poullis, "Adaptive Memory Management for Video Object Segmentation", III-D.1. The index
of a token is the number of times it appeared among the top k matches of a query pixel since it was written; its
age is counted in frames; the tokens of lowest index / age leave, exactly as many as the incoming frame needs. One
counter serves all objects. Fidelity: faithful; where the paper is silent: writes every 5th frame, the first frame
is not protected (`pin_first`), ties go to the older frame, then to the lower position. Loses objects while they
are hidden, since nothing matches their tokens.
"""

from vosbench.memory.policy import FrequencyPolicy


class LFU(FrequencyPolicy):
    """References are appearances among the top k."""
