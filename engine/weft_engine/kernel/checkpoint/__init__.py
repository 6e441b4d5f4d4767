"""Checkpoints: parts that subtasks write, and the manifest that makes them one."""
