"""A throwaway fleet of real SSH hosts on loopback, for trying, for pictures and for tests.

:func:`tui.demo.run.run_demo` is the command; :class:`tui.demo.fleet.DemoFleet` is the handle that tests use.
Each host has its own home, places and tmux below one temporary folder, and nothing else of this machine.
"""
