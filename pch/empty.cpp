// A library needs a file; what counts is its precompiled header.
