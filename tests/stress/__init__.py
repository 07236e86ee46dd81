"""Long runs that try to break things: separate commands, each with a short version in the tests."""
