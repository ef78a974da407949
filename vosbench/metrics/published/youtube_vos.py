"""YouTube-VOS 2018 and 2019. The server's own edge rules are not public.

That objects count from the frame after their first, to the end, and that extra ids are refused, is our choice.
"""

from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.onward import Onward

YOUTUBE_VOS = Protocol(
    "youtube-vos", 1, "Xu et al., arXiv 1809.03327", objects=Onward(extra_is_error=True), void="background"
)
