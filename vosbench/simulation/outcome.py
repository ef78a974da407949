"""What is known of a simulated strategy. Free of torch, so that tables and figures can be made of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One strategy on one sequence.

    Per read, that is for each frame after the first annotated one: `retained`, the share of the attention that the
    unbounded reference memory pays in this frame (softmax weights of its top k, summed over all query pixels and all
    groups of objects with the same first frame) to tokens, by frame and position, that this strategy holds too; and
    `hit_age`, the mean age in frames of the tokens among this strategy's own top k.

    Per frame of the video: `tokens` held after it. Per write but the first: how many tokens were `evicted`.
    """

    spec: str
    sequence: str
    tokens_per_frame: int
    retained: tuple[float, ...]
    hit_age: tuple[float, ...]
    tokens: tuple[int, ...]
    evicted: tuple[int, ...]
