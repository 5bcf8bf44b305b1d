"""The Train page: a form, a preview of the training, and a queue of trainings that outlive the page."""
