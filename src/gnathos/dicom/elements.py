"""Parts of a dataset to be written."""

from pydicom.dataset import Dataset


def item(**attributes: object) -> Dataset:
    """A dataset of these attributes, by keyword."""
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def decimal(number: float) -> str:
    """A decimal string: at most 16 characters."""
    return f"{float(number):.10g}"[:16]
