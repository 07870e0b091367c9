"""Other people's interfaces, each an extra: Dask."""
