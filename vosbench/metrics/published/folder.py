"""One's own videos: the ids that are there, each from the frame after the mask that was given of it on.

It fits any folder: no frame need be annotated but those that are, and no mask that was given counts.
"""

from vosbench.metrics.protocols import Protocol
from vosbench.metrics.rules.given import Given

FOLDER = Protocol("folder", 1, "vosbench, for one's own videos", objects=Given(extra_is_error=True), void="ignored")
