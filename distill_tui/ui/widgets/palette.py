"""Colours for what has none in the theme: each on a dark and on a light background, on the 256-colour palette."""

RUN_COLORS = (
    ("#d78700", "#af5f00"),
    ("#5faf00", "#008700"),
    ("#af87ff", "#5f00d7"),
    ("#00afd7", "#0087af"),
    ("#ff5f87", "#d70087"),
    ("#d7d75f", "#5f5f00"),
    ("#5fd7af", "#00875f"),
    ("#d7afaf", "#875f5f"),
)
"""Eight hues, on a dark and on a light background; all lie on the 256-colour palette."""
OTHER_RUNS = (
    ("#00ff00", "#005f00"),
    ("#ff00ff", "#d70000"),
    ("#00ffff", "#0000ff"),
    ("#afff00", "#00005f"),
    ("#ffffaf", "#5f0000"),
    ("#0087ff", "#5f5faf"),
    ("#878700", "#8700ff"),
    ("#ff0000", "#0000af"),
)
"""For other runs that are laid over the chart: far from the colours of the run's own losses, and from each other."""
