"""Archives: studies that are segmented by the workers of a Dask cluster."""
