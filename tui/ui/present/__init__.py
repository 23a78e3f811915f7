"""From domain values to cells: pure functions, no Textual, no clock, never markup."""
