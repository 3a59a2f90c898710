"""What can be done to clusters, requests and their places in the queue."""
