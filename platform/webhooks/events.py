"""Of what can programs hear? Names that are ours to add to; receivers must tolerate new ones."""

STARTED = "job.started"
EVENTS = (STARTED, "job.completed")
TEST = "webhook.test"
EVENTS_HELP = "Which it hears of; empty: all, those of later versions too."
