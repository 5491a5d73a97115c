"""The report: one HTML file about a run, a model or a folder of takes, or about two of a kind side by side.

`run`, `model` and `takes` make a `Subject` of what there is to say; `sheet` lays out one or two; `media` puts sounds
into the file, within a limit; `listen` lets previews be heard. The parts are those of `reporting.page`.
"""
