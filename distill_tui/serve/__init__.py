"""The listening page: runs, models and takes with their sound, for a browser at the other end of an SSH line.

The standard library's ThreadingHTTPServer carries it: a dozen routes for one person on loopback need no framework, and
what makes it safe (`server`, `guard`) is no more code than the settings of one would be.
"""
