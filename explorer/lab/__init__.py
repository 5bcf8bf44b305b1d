"""The Lab page: loss landscapes over a plane, with forces, equilibria, releases, and the words beside them."""
