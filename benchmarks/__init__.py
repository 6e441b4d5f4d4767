"""Measurements; each module prints one JSON object. Ratios travel, seconds do not."""
