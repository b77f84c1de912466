"""Composition: settings, command line, runtimes. Everything may be imported from here, nothing imports it."""
