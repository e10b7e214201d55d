"""Learning the segmentation network from label maps alone: anatomy → random scans → weights → the package.

The only package that knows torch; needs the extra `train`.
"""
