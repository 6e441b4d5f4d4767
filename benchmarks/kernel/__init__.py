"""Measurements of the streaming kernel: `python -m benchmarks kernel`."""
