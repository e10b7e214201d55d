"""Does a server keep the contract? Asked over HTTP alone, of any server of this API.

Nothing of the engine is imported here: what is checked is what a client sees.
"""
