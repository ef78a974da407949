"""vosbench: which memory strategy of video object segmentation is better, and what does it cost?"""
