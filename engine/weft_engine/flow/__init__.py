"""Flows as values: the model, the file format, patches, differences and topology."""
