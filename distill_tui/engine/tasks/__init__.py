"""Tasks: what a training does. Each brings its net, batches, losses, validation and previews."""
