"""Processes that do what may crash, hang or eat memory, each in its limits."""
