"""What decides: frozen values and pure functions. No I/O, no clock, no asyncio, nothing third-party."""
