"""What `mtm.runs` is made of: the files of a run folder, their formats, and how runs of other programs get there."""
