"""The paper's tables, figures and claims, rebuilt from runs beside the paper's own numbers: `explorer report`.

`chosen_runs` chooses the run that stands for each of the paper's experiments. From these are made the `tables`, the
claims (`claims`: listed in `paper_claims`, tested `on_tables` and `on_curves`, judged by `verdict`) and the figures
(`figures`: listed in `catalogue`, drawn by `curves`, `embedding` and `images` in the report's `style`). `document` puts
them in order; `html` (with `html_parts`) and `markdown` write them; `command` writes the files, `reports` prints
figures and keeps the report of a library up to date for the Results page (`page`, `routes`).
"""
