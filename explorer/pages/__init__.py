"""The pages of the app. A page is one module: PATH, NAME, `layout(library, **query)` and `register(app, library)`."""
