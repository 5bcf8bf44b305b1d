"""What a picture is made of: snapshots, projections, regions, neighbours, and how far it can be trusted."""
