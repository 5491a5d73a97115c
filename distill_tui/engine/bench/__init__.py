"""How fast this machine trains: `python -m distill_tui.engine.bench` measures in a process of its own."""
