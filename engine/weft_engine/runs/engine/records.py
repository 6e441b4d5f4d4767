"""Streams between the units of a run.

They are in `weft_engine.runs.journal.records`, because the journal keeps them too.
"""

from weft_engine.runs.journal.records import MEMORY_BYTES, Records, RecordsWriter, records_of

__all__ = ["MEMORY_BYTES", "Records", "RecordsWriter", "records_of"]
