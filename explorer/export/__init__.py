"""Exports: figures for print, the player as a film or as one page, tables, and the whole run as one file.

`scene` reads a run in one view for an `ExportRequest`, `camera` chooses the part of the plane; `print` draws embedding
and curves; `film` steps the player in a browser and encodes its frames; `html` puts the player into one HTML file
(`modules` joins its scripts); `tables` and `archive` write numbers and files. `writer` is the way to all of them,
`command` is `explorer export`, `exporter` makes one at a time for the app and `routes` answer with the file.
"""
