"""Subtasks at work: channels, gates, routers, and the loop that drives operators."""
