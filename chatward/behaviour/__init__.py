"""What is unusual: baselines of entities, alerts, campaigns. Off the path of messages (``behaviour.worker``)."""
