"""What the engine answers about jobs, to those who ask it and to webhooks: the bodies, and the URLs in them."""
