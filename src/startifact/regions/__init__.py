"""The places that hold artifacts: one interface, and an implementation for each kind of place."""
