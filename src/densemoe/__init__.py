"""densemoe: mixture-of-experts decoders for dense multi-task learning, reproduced table by table."""
