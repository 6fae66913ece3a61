"""Which run is where, from files alone: done, measuring, running with step and time left, stopped, failed, queued."""
