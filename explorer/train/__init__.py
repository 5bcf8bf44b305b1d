"""The Train page: a form, what would happen, and a queue of trainings that outlive the page."""
