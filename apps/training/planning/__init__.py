"""Before a launch: what the model will see, how long it will take, and the same settings as a file."""
