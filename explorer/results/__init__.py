"""The paper's tables, figures and statements, rebuilt from runs beside the paper's own numbers: `explorer report`.

`found` says which run stands for which of the paper's experiments. Of that alone are made `tables`, the statements
(`statements` lists them, `on_tables` and `on_curves` look, `verdict` judges) and the figures (`figures` lists them,
`curves`, `space` and `images` draw them in Plotly as `look` has it, `printed` draws the same for print). `document` is
the order of all this; `html` (of `parts`) and `markdown` write it down; `command` makes files of it, `routes` serve it.
"""
