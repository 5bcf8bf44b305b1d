"""The Tune page: a search for hyperparameters while it runs."""
