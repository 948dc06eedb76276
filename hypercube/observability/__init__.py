"""What can be seen of the platform from outside: metrics and logs, every name declared once."""
