"""How to reach a host: the only package, beside the demo's servers, that knows SSH."""
