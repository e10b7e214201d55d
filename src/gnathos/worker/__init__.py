"""The worker: takes jobs from the queue, runs each attempt in a process of its own, and stores what that made."""
