"""A head that the project makes itself: a CBCT-like scan with its truth."""

from gnathos.phantom.make import Fact, Phantom, make_phantom, write_phantom
from gnathos.phantom.parameters import PhantomParameters

__all__ = ["Fact", "Phantom", "PhantomParameters", "make_phantom", "write_phantom"]
