"""The screen: the only package that imports Textual.

Nothing in here talks to a host. It reads the store, hears the bus and asks the fleet
(:class:`tui.services.fleet.FleetApi`); :mod:`tui.ui.present` turns domain values into cells.
"""
