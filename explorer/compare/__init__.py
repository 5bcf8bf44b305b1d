"""The Compare page: two to four runs, or two epochs of one, under one clock."""
