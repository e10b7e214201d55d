"""The page, built from `viewer/` by `make page`: nothing in here is written by hand."""
