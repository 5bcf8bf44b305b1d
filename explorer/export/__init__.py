"""Exports: figures for print, the player as a film or as one page, tables, and the whole run as one file.

`scene` says what is to be seen and reads it; `embedding` and `curve` draw it for print (`cells` are its regions,
`paper` its style); `film` steps the player in a browser (`browser`, `encoder`); `html` puts the player into one HTML
file (`modules` joins its scripts); `tables` and `archive` give away the numbers. `command` is `explorer export`.
"""
