"""Reports: written, published, withdrawn, read, with their files. Public face: ``services``."""
