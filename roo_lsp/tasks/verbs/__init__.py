"""What tasks are asked for, whoever asks: interface section 4, as functions of a `Service`."""
