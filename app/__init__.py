"""Composition: settings, the command line and the runtimes. Everything may be imported from here, nothing imports it."""
