"""Programs of others that look for holes: in the sources, and in a running shop. Only in `make prove`."""
