"""What people can decide, described once for the command line and the console."""
