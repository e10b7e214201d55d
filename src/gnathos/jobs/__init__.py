"""Jobs, states, results; the database and the queue."""
