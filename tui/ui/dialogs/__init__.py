"""Dialogs return what the person decided; they do nothing themselves."""
