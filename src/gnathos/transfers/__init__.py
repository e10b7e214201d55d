"""Connections to URLs that clients name: guarded, so that nobody reaches through us what is not theirs."""
