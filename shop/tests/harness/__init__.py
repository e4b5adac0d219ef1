"""Tools of the tests, no tests: surroundings and servers, whole shops, browsers and buyers, hostile input."""
