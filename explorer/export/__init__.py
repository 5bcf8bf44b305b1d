"""Exports: figures for print, the player as a film or as one page, tables, and the whole run as one file.

An export is a file with an `EXPORT` (an `entry.Export`), and a line in `writer.EXPORTS`: the command, the page's menu
and its route take it from there. `figure` has `print` draw embedding and curves; `film` steps the player in a browser
and encodes its frames; `html` puts the player into one HTML file (`modules` joins its scripts); `tables` and `archive`
write numbers and files. `scene` reads a run in one view for an `ExportRequest`, `camera` chooses the part of the plane.
`command` is `explorer export`, `exporter` makes one at a time for the app and `routes` answer with the file.
"""
