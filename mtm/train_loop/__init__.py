"""What `mtm.training` is made of: batches on a device, checkpoints, training into a run folder."""
