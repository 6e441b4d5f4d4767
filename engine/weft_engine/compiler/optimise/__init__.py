"""Passes that make a program do less work, and say so.

Each is a file of its own. What a run gives never changes; nor, where somebody may look, what is
seen of each node: its state, its counts, the outputs that are kept.
"""

from weft_engine.compiler.optimise.passes import optimised

__all__ = ["optimised"]
