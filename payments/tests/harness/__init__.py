"""What tests of payments stand on: the stand-ins behind a port, the judge, scenes. No tests."""
