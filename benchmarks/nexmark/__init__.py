"""Nexmark: queries over the events of an online auction, in the DataStream API.

The model, the proportions of the events and queries 0 to 8 and 11 to 13 are those of the Nexmark
suites of Apache Beam and Flink, whose descriptions are public.
"""
