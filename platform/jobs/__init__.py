"""Background work with a row: the row is the truth, the queue is a doorbell."""
