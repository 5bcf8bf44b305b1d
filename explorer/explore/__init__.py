"""The Explore page: one run, played; selections, one image, events and certainty beside it."""
