"""Channels between subtasks in different processes: frames over sockets, bounded by credits."""
