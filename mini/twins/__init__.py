"""Every model again in plain torch, under the same names, so that weights travel."""
