"""What every page's server side stands on: routes, security, a cache, the binary format, paths."""
